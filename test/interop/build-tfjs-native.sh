#!/bin/bash
# Builds @tensorflow/tfjs-node's addon where its prebuilt libtensorflow cannot be downloaded: against the library inside the
# tensorflow-cpu wheel of the Python registry. Needs pip, unzip, gcc and Node's headers; some 700 MB in the folder given.
#   test/interop/build-tfjs-native.sh <folder>
#   LACUNA_INFERENCE_TFJS_NODE=<folder>/tfjs-node npm run test:interop
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mkdir -p "${1:?usage: $0 <folder>}" && cd "$1" && pwd)
cd "$folder"

wheel=$(ls tensorflow_cpu-2.9.1-*.whl 2>/dev/null || true)
if [ -z "$wheel" ]; then
  pip download --quiet --no-deps --only-binary=:all: --python-version 3.10 tensorflow-cpu==2.9.1
  wheel=$(ls tensorflow_cpu-2.9.1-*.whl)
fi
unzip -qo "$wheel" 'tensorflow/libtensorflow_framework.so.2' 'tensorflow/python/_pywrap_tensorflow_internal.so' \
  'tensorflow/include/tensorflow/c/*' 'tensorflow/include/tensorflow/core/platform/*' -d wheel

# The addon must share one @tensorflow/tfjs-core with the repository: its packages are those of the repository.
rm -rf tfjs-node && cp -r "$root/node_modules/@tensorflow/tfjs-node" tfjs-node
ln -sfn "$root/node_modules" node_modules
mkdir -p tfjs-node/deps/lib
ln -sfn "$folder/wheel/tensorflow/include" tfjs-node/deps/include
cd tfjs-node/deps/lib
ln -sf "$folder/wheel/tensorflow/python/_pywrap_tensorflow_internal.so" .
ln -sf _pywrap_tensorflow_internal.so libtensorflow.so
ln -sf "$folder/wheel/tensorflow/libtensorflow_framework.so.2" .
ln -sf libtensorflow_framework.so.2 libtensorflow_framework.so

# The wheel's library is also a Python module. Nothing calls that part; its symbols only have to be there.
nm -D --undefined-only _pywrap_tensorflow_internal.so | awk '$2 ~ /^_?Py/ { print "char " $2 "[512];" }' >python-symbols.c
gcc -shared -fPIC -o libpython-symbols.so python-symbols.c

cd "$folder/tfjs-node"
gyp="$(dirname "$(dirname "$(realpath "$(command -v npm)")")")/node_modules/node-gyp/bin/node-gyp.js"
LDFLAGS="-L$PWD/deps/lib -Wl,--no-as-needed -lpython-symbols" node "$gyp" rebuild --loglevel=error \
  --nodedir="$(dirname "$(dirname "$(node -p process.execPath)")")" \
  --module_name=tfjs_binding --module_path="$PWD/lib/napi-v8" --napi_build_version=8
ls -l lib/napi-v8/tfjs_binding.node
