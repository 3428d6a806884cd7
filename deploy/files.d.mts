/** For tests in TypeScript. */
export function findProgram(name: string): boolean;
