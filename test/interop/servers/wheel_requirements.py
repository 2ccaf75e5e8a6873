"""Prints the requirements of a wheel but PyTorch's own packages and extras: wheel_requirements.py FILE"""

import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    for line in wheel.read(name).decode().splitlines():
        field, _, value = line.partition(": ")
        if field == "Requires-Dist" and "extra ==" not in value and not value.startswith("torch"):
            print(value)
