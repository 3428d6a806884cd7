/** For tests in TypeScript. */
export function removeControlGroups(): void;
