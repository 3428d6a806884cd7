# Cross compilation from Debian arm64 with g++-x86-64-linux-gnu: cmake -DCMAKE_TOOLCHAIN_FILE=x86_64.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER x86_64-linux-gnu-g++)
