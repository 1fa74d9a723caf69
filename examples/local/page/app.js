// The page behind examples/local: it shows what the program's feed says and
// counts nothing itself.
import { Picture } from './picture.js';
import { plot } from './latency.js';
import { List, showWay } from './events.js';

const $ = (selector) => document.querySelector(selector);
const calm = matchMedia('(prefers-reduced-motion: reduce)');

const events = new Map(); // id → event, oldest first
const picture = new Picture($('#picture'), () => calm.matches);
const list = new List($('#events'), choose);
let chosen = '';
let ledger;

const feed = new EventSource('local/feed');
feed.onmessage = (message) => update(JSON.parse(message.data));
feed.onopen = () => { $('#offline').hidden = true; };
feed.onerror = () => { $('#offline').hidden = false; };

function update(state) {
  if (state.hello) {
    events.clear();
    list.clear();
    $('#notes').replaceChildren();
    $('#parts').textContent = state.hello.services;
    $('#engines').textContent = state.hello.engines;
  }
  const moved = [];
  for (const event of state.events ?? []) {
    moved.push([events.get(event.id), event]);
    events.set(event.id, event);
  }
  while (events.size > 500) events.delete(events.keys().next().value);
  for (const note of state.notes ?? []) addNote(note);
  if (state.ledger) showLedger(state.ledger);
  showFaults(state.faults, state.parts);
  if (!moved.length) return;
  if (!state.hello) for (const [before, after] of moved) picture.move(before, after, after.id === chosen);
  list.show([...events.values()], chosen);
  plot($('#latency'), $('#latency-words'), [...events.values()].slice(-100));
  const news = moved.map(([, event]) => event);
  if (!chosen) chosen = news.findLast((event) => event.source === 'userService')?.id ?? '';
  if (news.some((event) => event.id === chosen)) choose(chosen, false);
}

function showLedger(next) {
  for (const place of document.querySelectorAll('[data-sum]')) {
    const text = String(next[place.dataset.sum]);
    if (place.textContent === text) continue;
    place.textContent = text;
    place.classList.remove('changed');
    void place.offsetWidth; // restarts the animation
    place.classList.add('changed');
  }
  for (const place of document.querySelectorAll('[data-nil]')) place.classList.toggle('bad', next[place.dataset.nil] > 0);
  const adds = next.committed === next.published + next.waiting + next.deadLettered;
  const verdict = $('#verdict');
  const bad = !adds || next.lost > 0 || next.phantom > 0;
  const busy = next.waiting > 0 || next.underway > 0;
  verdict.textContent = bad ? 'It does not add up' : busy ? 'adds up, under way' : next.committed ? '✓ It adds up' : 'nothing yet';
  verdict.classList.toggle('bad', bad);
  verdict.classList.toggle('busy', !bad && (busy || !next.committed));
  document.body.dataset.books = bad ? 'wrong' : busy ? 'busy' : 'balanced';
  $('#twice').textContent = next.duplicates === 1 ? 'duplicate' : 'duplicates';
  $('#mails').textContent = !next.mails ? '' : `E-mails sent: ${next.mails}` + (next.mailTwice ? `, of which ${next.mailTwice} a second time: the consumer died between sending and noting it.` : ', none of them twice.');
  $('#naive').classList.toggle('unknown', !next.naiveSaved);
  $('#naive').classList.toggle('bad', next.naiveLost > 0);
  picture.counts(next);
  ledger = next;
  speak();
}

// A screen reader is told the books when they come to rest, and now and then on
// the way, not at each change.
let spokenAt = 0, timer;
function speak() {
  clearTimeout(timer);
  const wait = document.body.dataset.books === 'busy' ? Math.max(1000, spokenAt + 8000 - Date.now()) : 600;
  timer = setTimeout(() => {
    spokenAt = Date.now();
    const l = ledger;
    $('#spoken').textContent = `${l.committed} committed: ${l.published} published, ${l.waiting} waiting, ${l.deadLettered} dead letters. ` +
      `${l.lost} lost, ${l.phantom} invented. ${$('#verdict').textContent.replace('✓ ', '')}. ` +
      `${l.delivered} of ${l.wanted} e-mails done, ${l.parked} in the dead-letter queue. ` +
      `Without an outbox, ${l.naiveLost} of ${l.naiveSaved} sign-ups would have been told to nobody.`;
  }, wait);
}

function showFaults(faults, parts) {
  const struck = { 'kill-relay': parts.relay === 'down', crash: parts.messaging === 'down' };
  for (const button of document.querySelectorAll('[data-fault]')) {
    const on = Boolean(faults[button.dataset.fault] || struck[button.dataset.fault]);
    button.classList.toggle('active', on);
    if (button.dataset.kind) button.setAttribute('aria-pressed', on);
  }
  picture.trouble(faults, parts);
}

function addNote(note) {
  const notes = $('#notes');
  const atEnd = notes.scrollTop + notes.clientHeight > notes.scrollHeight - 30;
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date(note.at).toLocaleTimeString([], { hour12: false });
  const text = document.createElement('span');
  text.textContent = note.text;
  text.className = note.kind;
  item.append(time, text);
  notes.append(item);
  while (notes.children.length > 200) notes.firstChild.remove();
  if (atEnd) notes.scrollTop = notes.scrollHeight;
}

async function choose(id, focus = true) {
  chosen = id;
  list.mark(id);
  const answer = await fetch('local/events/' + encodeURIComponent(id));
  if (!answer.ok || chosen !== id) return;
  showWay(await answer.json());
  if (focus && matchMedia('(max-width: 68rem)').matches) $('#way').focus();
}

// Forms and buttons.
const firsts = 'Ada Grace Alan Edsger Barbara Donald Radia Ken Frances Tony Margaret Leslie'.split(' ');
const lasts = 'Lovelace Hopper Turing Dijkstra Liskov Knuth Perlman Thompson Allen Hoare Hamilton Lamport'.split(' ');
const any = (words) => words[Math.floor(Math.random() * words.length)];
function suggest() {
  const first = any(firsts), last = any(lasts);
  const form = $('#sign-up').elements;
  form.name.value = `${first} ${last}`;
  form.email.value = `${first}.${last}.${Math.floor(Math.random() * 9000) + 1000}@example.com`.toLowerCase();
}

$('#sign-up').addEventListener('submit', async (submit) => {
  submit.preventDefault();
  const form = submit.target.elements;
  const body = JSON.stringify({ name: form.name.value, email: form.email.value });
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() };
  const answer = await fetch('users', { method: 'POST', headers, body });
  const said = await answer.json();
  const place = $('#answer');
  place.className = 'answer ' + (answer.ok ? 'good' : 'bad');
  place.textContent = answer.ok
    ? `${answer.status}: ${said.email} is a user, and the event that says so is committed with it. Sign the same address up again to see a refusal, or another one.`
    : `${answer.status}: ${said.message}. Nothing was written, so there is no event either.`;
  const id = answer.headers.get('X-Event-Id');
  if (answer.ok && id) choose(id, false);
});
$('#sign-up').addEventListener('reset', suggest);
// Who comes to a field means another text than the one that is in it.
for (const field of document.querySelectorAll('#sign-up input')) field.addEventListener('focus', () => field.select());
$('#crowd').addEventListener('click', () => fetch('local/sign-ups?n=25', { method: 'POST' }));
for (const button of document.querySelectorAll('[data-fault]')) {
  button.addEventListener('click', () => fetch(`local/faults/${button.dataset.fault}?on=${!button.classList.contains('active')}`, { method: 'POST' }));
}
suggest();
plot($('#latency'), $('#latency-words'), []);
