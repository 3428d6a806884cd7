# Cross compilation from Debian amd64 with g++-aarch64-linux-gnu: cmake -DCMAKE_TOOLCHAIN_FILE=aarch64.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
