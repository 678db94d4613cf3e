export default function Page() {
  return <h1>{"hello from node-next-ts"}</h1>;
}
