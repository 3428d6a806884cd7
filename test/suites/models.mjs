export const modelsSuite = { name: "models", long: true, run: () => ({ passed: 0 }) };
