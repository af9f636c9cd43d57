"use strict";
// Texts of the data block are set as text, never as markup; numbers alone become addresses within the page.
(() => {
  const FEW = 25;
  const MORE = 100;
  const at = (id) => document.getElementById(id);
  const open = (id) => {
    const card = at(id);
    if (card && card.tagName === "DETAILS") {
      card.open = true;
      card.querySelector("summary").focus({ preventScroll: true });
      card.scrollIntoView();
    }
  };
  const follow = () => {
    if (/^#c\d+$/.test(location.hash)) open(location.hash.slice(1));
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#c']");
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", follow);
  follow();

  for (const button of document.querySelectorAll("button.all")) {
    const steps = button.closest(".card").querySelectorAll(".step > details");
    const words = button.firstChild;
    button.hidden = false;
    button.addEventListener("click", () => {
      const opens = [...steps].some((step) => !step.open);
      for (const step of steps) step.open = opens;
      words.data = opens ? "Close all messages" : "Open all messages";
    });
  }

  const list = at("rows");
  if (!list) return;
  const { head, rows } = JSON.parse(at("data").textContent);
  const [words, state, rule, told, more] = ["words", "state", "rule", "told", "more"].map(at);
  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const badge = (number) => {
    const [word, sign, style] = head.states[number];
    const made = element("span", "", `badge ${style}`);
    const drawn = element("span", sign);
    drawn.setAttribute("aria-hidden", "true");
    made.append(drawn, ` ${word}`);
    return made;
  };
  const line = ([name, what, happened, where, agent, address, ladder]) => {
    const row = element("tr");
    const [first, third, fourth, fifth] = [0, 1, 2, 3].map(() => element("td"));
    first.append(badge(what));
    const who = element("th", name);
    who.scope = "row";
    third.textContent = happened;
    if (ladder) {
      const link = element("a", where);
      link.href = `#c${Number(ladder)}`;
      fourth.append(link);
    } else {
      fourth.textContent = where;
    }
    fifth.append(head.agents[agent]);
    if (address) fifth.append(" ", element("span", address, "dim"));
    row.append(first, who, third, fourth, fifth);
    return row;
  };
  const choices = (select, column, names) => {
    const seen = new Map();
    for (const row of rows) for (const one of [row[column]].flat()) seen.set(one, (seen.get(one) || 0) + 1);
    for (const [one, times] of [...seen].sort((a, b) => a[0] - b[0])) {
      const option = element("option", `${names(one)} (${times.toLocaleString("en")})`);
      option.value = one;
      select.append(option);
    }
    select.closest("label").hidden = seen.size < 1;
  };
  choices(state, 1, (one) => head.states[one][0]);
  choices(rule, 7, (one) => `${head.rules[one][1]} – ${head.rules[one][0]}`);

  const texts = rows.map((row) =>
    `${row[0]} ${head.states[row[1]][0]} ${row[2]} ${row[3]} ${head.agents[row[4]]} ${row[5]} ${row[8] || ""}`.toLowerCase());
  let found = rows;
  let shown = 0;
  const add = (most) => {
    const next = found.slice(shown, shown + most);
    list.append(...next.map(line));
    shown += next.length;
    more.hidden = shown >= found.length;
    const all = rows.length.toLocaleString("en");
    const some = found.length.toLocaleString("en");
    const clients = rows.length === 1 ? "client" : "clients";
    told.textContent = (found.length === rows.length ? `${all} ${clients}` : `${some} of ${all} ${clients}`)
      + (shown < found.length ? `, the first ${shown.toLocaleString("en")} are listed.` : ".");
  };
  const search = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = rows.filter((row, number) =>
      (state.value === "" || row[1] === Number(state.value))
      && (rule.value === "" || row[7].includes(Number(rule.value)))
      && wanted.every((word) => texts[number].includes(word)));
    shown = 0;
    list.replaceChildren();
    add(FEW);
  };
  let waiting;
  words.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  state.addEventListener("change", search);
  rule.addEventListener("change", search);
  more.addEventListener("click", () => {
    const before = list.children.length;
    add(MORE);
    const first = list.children[before];
    if (first) {
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
    }
  });
  at("search").addEventListener("submit", (event) => event.preventDefault());
  at("search").hidden = false;
  search();
})();
