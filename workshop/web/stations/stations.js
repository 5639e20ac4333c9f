// The page of stage 05. It knows two things: where the API is (config.json), and its contract.
"use strict";

const byId = (id) => document.getElementById(id);
const PAGE = 4; // stations that the page asks for at a time
let api = "";
let next = null;

// Tells what came of a request, to everybody: a screen reader reads it aloud as well.
function say(text, isProblem = false) {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("problem", isProblem);
}

// Sends a request. Gives the body, or throws an Error with words for the rider.
async function ask(method, path, body) {
  const options = { method };
  if (body) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(api + path, options);
  } catch {
    // A browser tells a script no more than this, whether the server is away or CORS forbids it.
    throw new Error("This page cannot read the response: is Access-Control-Allow-Origin right?");
  }
  const text = await answer.text();
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // No JSON: a 204, or an answer that keeps no contract.
  }
  if (!answer.ok) {
    throw new Error(`${answer.status}: ${(value && value.detail) || text}`);
  }
  return value;
}

function cell(text, kind) {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = kind || "";
  return made;
}

function button(label, name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.setAttribute("aria-label", `${label}: ${name}`);
  made.addEventListener("click", () => act().catch((error) => say(error.message, true)));
  return made;
}

function fill(row, station) {
  const rent = cell("");
  rent.append(button("Rent", station.name, () => startRide(station)));
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = station.name;
  row.replaceChildren(
    name,
    cell(station.num_bikes_available, "number"),
    cell(station.num_docks_available, "number"),
    rent,
  );
}

async function showMore() {
  const cursor = next ? `&cursor=${encodeURIComponent(next)}` : "";
  const page = await ask("GET", `/stations?limit=${PAGE}${cursor}`);
  if (!page || !page.data) {
    throw new Error("The API responded, but not with a page of stations.");
  }
  for (const station of page.data.stations) {
    const row = document.createElement("tr");
    row.id = `station-${station.station_id}`;
    fill(row, station);
    byId("stations").append(row);
  }
  next = page.next;
  byId("more").hidden = !next;
  const count = byId("stations").rows.length;
  say(next ? `${count} stations so far.` : `${count} stations in all.`);
}

// Reads a station again after a ride began or ended, whatever came of it.
async function refresh(id) {
  const row = byId(`station-${id}`);
  const held = row.contains(document.activeElement);
  fill(row, await ask("GET", `/stations/${encodeURIComponent(id)}`));
  if (held) {
    row.querySelector("button").focus();
  }
}

async function startRide(station) {
  const wanted = { station_id: station.station_id, rider_id: "R-7", minutes: 30 };
  try {
    const ride = await ask("POST", "/rides", wanted);
    addRide(ride, station);
    say(`You have a bike from ${station.name}.`);
  } finally {
    await refresh(station.station_id);
  }
}

function addRide(ride, station) {
  const item = document.createElement("li");
  item.textContent = `From ${station.name} `;
  item.append(button("Give back", station.name, async () => {
    await ask("DELETE", `/rides/${encodeURIComponent(ride.ride_id)}`);
    item.remove();
    byId("my-rides").focus(); // the button that had it is gone
    byId("none").hidden = byId("rides").children.length > 0;
    say(`The bike is back at ${station.name}.`);
    await refresh(station.station_id);
  }));
  byId("rides").append(item);
  byId("none").hidden = true;
}

async function start() {
  const answer = await fetch("config.json");
  api = (await answer.json()).api;
  await showMore();
}

byId("more").addEventListener("click", () => showMore().catch((e) => say(e.message, true)));
start().catch((error) => say(error.message, true));
