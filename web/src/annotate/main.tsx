import { render } from "preact";
import { Client } from "./api";
import { App } from "./app";
import { Session } from "./session";
import "../shared/colours.css";
import "./annotate.css";
import "./pairs.css";
import "./clusters.css";

const token = document.querySelector<HTMLMetaElement>("meta[name=coterie-token]")!.content;
const session = new Session(new Client(token));
void session.follow();
render(<App session={session} />, document.getElementById("app")!);
