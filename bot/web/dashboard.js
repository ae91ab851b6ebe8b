// Every text is set with textContent: what people typed never becomes markup.
"use strict";

const REFRESH_MS = 3000;
const byId = (id) => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function age(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

function place(job) {
  const github = /^[A-Za-z0-9-]+\/[\w.-]+$/.test(job.repository || "");
  if (!github || !job.number || job.asked_by.platform !== "github") return null;
  const link = element("a", `${job.repository}#${job.number}`);
  link.href = `https://github.com/${job.repository}/issues/${job.number}`;
  link.rel = "noreferrer";
  return link;
}

function commandCell(job) {
  const cell = element("td", "");
  cell.append(element("code", job.line));
  const link = place(job);
  if (link) cell.append(" ", link);
  if (job.text) cell.append(element("div", job.text, "dim"));
  return cell;
}

function row(job) {
  const made = document.createElement("tr");
  const state = element("td", job.state, `state ${job.state}`);
  if (job.ahead) state.append(` (${job.ahead} ahead)`);
  made.append(
    element("td", job.job, "id"),
    commandCell(job),
    state,
    element("td", age(job.created_at), "dim"),
    element("td", `${job.asked_by.name} on ${job.asked_by.platform}`, "dim"),
  );
  return made;
}

function show(overview) {
  byId("login").hidden = true;
  byId("board").hidden = false;
  const depths = overview.queues.map((q) => `${q.queue}: ${q.jobs} ${q.state}`);
  const events = overview.unhandled_events;
  if (events) depths.push(`${events} message${events === 1 ? "" : "s"} not yet handled`);
  byId("queues").textContent = depths.join(" · ") || "Nothing is waiting.";
  byId("jobs-title").textContent = overview.sees_all ? "Jobs" : "Your jobs";
  byId("jobs").replaceChildren(...overview.recent.map(row));
  byId("none").hidden = overview.recent.length > 0;
}

function askForToken(reason) {
  sessionStorage.removeItem("token");
  byId("board").hidden = true;
  byId("login").hidden = false;
  byId("refusal").textContent = reason;
}

async function refreshHealth() {
  try {
    const answer = await fetch("/readyz");
    byId("health").textContent = answer.ok ? "ready" : "not ready: see gryph doctor";
  } catch {
    byId("health").textContent = "the gateway does not answer";
  }
}

async function refreshBoard() {
  const token = sessionStorage.getItem("token");
  if (!token) return askForToken("");
  let answer;
  try {
    answer = await fetch("/api/v1/overview", { headers: { Authorization: `Bearer ${token}` } });
  } catch {
    return undefined; // the health line says so
  }
  if (answer.status === 401) return askForToken((await answer.json()).detail);
  if (answer.ok) show(await answer.json());
  return undefined;
}

async function refresh() {
  if (!document.hidden) await Promise.all([refreshHealth(), refreshBoard()]);
  setTimeout(refresh, REFRESH_MS);
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value.trim());
  byId("token").value = "";
  refreshBoard();
});
byId("logout").addEventListener("click", () => askForToken(""));
refresh();
