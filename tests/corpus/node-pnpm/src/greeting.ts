export const greeting = (): string => "hello from node-pnpm";
