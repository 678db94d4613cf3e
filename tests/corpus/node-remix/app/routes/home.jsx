export default function Home() {
  return <h1>hello from node-remix</h1>;
}
