/** The architectures that there are packages for, and the tools that make their machine code. */
import os from "node:os";
import { findProgram } from "../files.mjs";

/** By Debian's names. `node`: as Node and npm name it; `gnu`: as compilers do; `toolchain`: a file of native/ for other machines. */
export const architectures = {
  amd64: { node: "x64", gnu: "x86_64-linux-gnu", machine: "x86_64", toolchain: "x86_64.cmake" },
  arm64: { node: "arm64", gnu: "aarch64-linux-gnu", machine: "aarch64", toolchain: "aarch64.cmake" },
};

/** Whether this machine runs programs of the architecture by itself. */
export function isOwn(name) {
  return architectures[name].node === os.arch();
}

/** The name of one of the compiler's tools, such as `strip`, for the architecture. */
export function toolFor(name, tool) {
  return isOwn(name) ? tool : `${architectures[name].gnu}-${tool}`;
}

/** The Debian packages that are missing here to build for the architecture. */
export function missingPackages(name) {
  const compiler = isOwn(name) ? "c++" : `${architectures[name].gnu}-g++`;
  const crossPackage = `g++-${architectures[name].gnu.replace("_", "-")}`;
  return [
    { package: isOwn(name) ? "g++" : crossPackage, program: compiler },
    { package: "binutils", program: "readelf" },
    { package: "cmake", program: "cmake" },
    { package: "dpkg-dev", program: "dpkg-deb" },
  ]
    .filter(({ program }) => !findProgram(program))
    .map((tool) => tool.package);
}
