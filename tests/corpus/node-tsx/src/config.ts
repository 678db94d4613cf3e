export const port: number = Number(process.env.PORT ?? 5050);
