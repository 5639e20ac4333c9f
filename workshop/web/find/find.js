// The page of stage 09. It knows where the function URL is, and a rider's token (config.json).
"use strict";

const byId = (id) => document.getElementById(id);
let config = {};

// Tells what came of a request, to everybody: a screen reader reads it aloud as well.
function say(text, isProblem = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("problem", isProblem);
}

// Asks for stations near a place. Gives them, or throws an Error with words for the rider.
async function ask(lat, lon) {
  const query = new URLSearchParams({ lat, lon, limit: 5 });
  const headers = byId("signed-in").checked ? { Authorization: `Bearer ${config.token}` } : {};
  let answer;
  try {
    answer = await fetch(`${config.api.replace(/\/$/, "")}/?${query}`, { headers });
  } catch {
    // A browser tells a script no more than this, whether the server is away or CORS forbids it.
    throw new Error("The answer may not be read here: does the CORS of the URL allow this page?");
  }
  const text = await answer.text();
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // No JSON: the function failed, or returned what keeps no contract.
  }
  if (!answer.ok) {
    throw new Error(`${answer.status}: ${(value && (value.error || value.Message)) || text}`);
  }
  if (!value || !Array.isArray(value.stations)) {
    throw new Error("The function answered, and the answer has no stations.");
  }
  return value.stations;
}

function show(station) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = station.name;
  const numbers = document.createElement("span");
  numbers.textContent = `${station.bikes} bikes, ${station.meters} m`;
  item.append(name, numbers);
  byId("stations").append(item);
}

async function find(event) {
  event.preventDefault(); // a form would load the page anew
  byId("stations").replaceChildren();
  say("Looking for bikes.");
  try {
    const stations = await ask(byId("lat").value, byId("lon").value);
    stations.forEach(show);
    say(stations.length ? `${stations.length} stations near you.` : "There is no bike near you.");
  } catch (error) {
    say(error.message, true);
  }
}

async function start() {
  config = await (await fetch("config.json")).json();
  byId("form").addEventListener("submit", find);
  byId("form").dataset.ready = "yes";
}

start().catch((error) => say(error.message, true));
