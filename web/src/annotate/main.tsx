import { render } from "preact";
import "./annotate.css";

function App() {
  return <main><h1>coterie annotate</h1></main>;
}

render(<App />, document.getElementById("app")!);
