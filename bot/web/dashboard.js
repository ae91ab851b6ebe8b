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
  if (job.draft) cell.append(element("pre", job.draft, "draft"));
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

function only(section) {
  byId("login").hidden = section !== "login";
  byId("no-role").hidden = section !== "no-role";
  byId("board").hidden = section !== "board";
}

function show(overview) {
  only("board");
  const depths = overview.queues.map((q) => `${q.queue}: ${q.jobs} ${q.state}`);
  const events = overview.unhandled_events;
  if (events) depths.push(`${events} message${events === 1 ? "" : "s"} not yet handled`);
  byId("queues").textContent = depths.join(" · ") || "Nothing is waiting.";
  byId("jobs-title").textContent = overview.sees_all ? "Jobs" : "Jobs open to you";
  byId("jobs").replaceChildren(...overview.recent.map(row));
  byId("none").hidden = overview.recent.length > 0;
}

let session = { logins: [], contact: "", person: null };

function next() {
  const wanted = new URLSearchParams(location.search).get("next");
  return encodeURIComponent(wanted || "/"); // the gateway takes only paths of its own
}

function loginLink(login) {
  const link = element("a", `Log in with ${login.label}`, "button");
  link.href = `/login/${login.platform}?next=${next()}`;
  return link;
}

function addButton(login) {
  const button = element("button", `Add your ${login.label} account`);
  button.addEventListener("click", async () => {
    const answer = await change(`/login/${login.platform}/link`);
    if (answer.ok) location.assign((await answer.json()).address);
  });
  return button;
}

function change(path) {
  return fetch(path, { method: "POST", headers: { "X-Gryph-CSRF": session.person.csrf } });
}

function askWho(reason) {
  sessionStorage.removeItem("token");
  only("login");
  byId("who").hidden = true;
  byId("refusal").textContent = reason;
  byId("refusal").hidden = !reason;
  if (byId("logins").childElementCount !== session.logins.length) {
    byId("logins").replaceChildren(...session.logins.map(loginLink));
  }
  byId("logins").hidden = session.logins.length === 0;
  if (session.logins.length === 0) byId("by-token").open = true;
}

function showWho(name) {
  byId("name").textContent = name;
  byId("who").hidden = false;
}

function showPerson(person) {
  showWho(`${person.name} on ${person.account.split(":")[0]}`);
  const roles = person.roles.map((r) => `${r.role} in ${r.workspace === "*" ? "every workspace" : r.workspace}`);
  byId("roles").textContent = `You are ${roles.join(", ")}.`;
  byId("roles").hidden = roles.length === 0;
  if (roles.length > 0) return true;
  only("no-role");
  byId("account").textContent = person.account;
  byId("contact").textContent = session.contact;
  byId("grant").textContent = `gryph role grant ${person.account} reader --workspace TEAM`;
  const others = session.logins.filter((login) => !person.account.startsWith(`${login.platform}:`));
  byId("more-accounts").hidden = others.length === 0;
  if (byId("adds").childElementCount !== others.length) byId("adds").replaceChildren(...others.map(addButton));
  return false;
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
  let answer;
  try {
    if (!token) {
      session = await (await fetch("/api/v1/session")).json();
      if (!session.person) return askWho("");
      if (!showPerson(session.person)) return undefined;
    } else {
      showWho("with a token");
      byId("roles").hidden = true;
    }
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    answer = await fetch("/api/v1/overview", { headers });
  } catch {
    return undefined; // the health line says so
  }
  if (answer.status === 401) return askWho((await answer.json()).detail);
  if (answer.ok) show(await answer.json());
  return undefined;
}

async function refresh() {
  if (!document.hidden) await Promise.all([refreshHealth(), refreshBoard()]);
  setTimeout(refresh, REFRESH_MS);
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value.trim());
  byId("token").value = "";
  refreshBoard();
});
byId("logout").addEventListener("click", async () => {
  if (session.person) await change("/logout");
  session.person = null;
  askWho("");
  refreshBoard();
});
refresh();
