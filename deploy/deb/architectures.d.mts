/** For tests in TypeScript. */
export function missingPackages(name: "amd64" | "arm64"): string[];
