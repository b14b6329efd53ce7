import { render } from "preact";
import { App } from "./app";
import { decode } from "./data";
import "./report.css";

const view = document.getElementById("map-view")!;
const data = decode(document.getElementById("map-data")!.textContent!);
const place = document.createElement("div");
place.className = "map-screen";
view.append(place);
render(<App data={data} onReady={() => view.classList.add("searchable")} />, place);
