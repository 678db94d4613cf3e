var app = WebApplication.CreateBuilder(args).Build();

app.MapGet("/", () => "hello from dotnet-web");
app.MapGet("/healthz", () => "ok");
app.Run();
