// The list of events and the way of the chosen one.

const element = (name, className, text) => {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};
const ms = (from, to) => (from && to ? Math.max(0, new Date(to) - new Date(from)) : null);
const words = (n) => (n === null ? '' : n < 10000 ? String(Math.round(n)) : `${(n / 1000).toFixed(1)} s`);

// end is when nothing more was to come for an event: nobody has asked for those
// of other services.
const end = (event) => event.done || event.parked || event.deadLettered || (event.source !== 'userService' && event.published);

export function state(event) {
  const times = event.publishes > 1 ? ` ×${event.publishes}` : '';
  if (event.parked && !event.done) return ['dead', 'dead-letter queue', ''];
  if (event.done) return ['done', 'done', event.deliveries > 1 ? ` came ${event.deliveries}×` : ''];
  if (event.published) return ['published', event.received ? 'received' : 'published', times];
  if (event.deadLettered) return ['dead', 'dead letter', ''];
  return ['waiting', 'waiting', ''];
}

export class List {
  rows = new Map(); // id → row
  constructor(body, choose) {
    this.body = body;
    body.addEventListener('click', (click) => {
      const row = click.target.closest('tr');
      if (row) choose(row.dataset.id);
    });
  }

  clear() {
    this.rows.clear();
    this.body.replaceChildren();
  }

  // show renders the newest events, newest first.
  show(events, chosen) {
    document.querySelector('#no-events').hidden = events.length > 0;
    const shown = events.slice(-60);
    for (const event of shown) {
      let row = this.rows.get(event.id);
      if (!row) {
        row = element('tr');
        row.dataset.id = event.id;
        this.rows.set(event.id, row);
        for (let i = 0; i < 5; i++) row.append(element('td', i > 2 ? 'number' : ''));
        row.cells[0].append(element('button'));
        this.body.prepend(row);
      }
      const [kind, text, more] = state(event);
      const button = row.cells[0].firstChild;
      button.type = 'button';
      button.textContent = event.name || '…';
      row.cells[1].textContent = row.cells[1].title = event.subject || event.id;
      const is = element('span', 'is ' + kind, text);
      is.append(element('small', '', more));
      row.cells[2].replaceChildren(is);
      row.cells[3].textContent = words(ms(event.committed, event.published));
      row.cells[4].textContent = words(ms(event.committed, end(event)));
    }
    while (this.body.rows.length > 60) {
      this.rows.delete(this.body.lastChild.dataset.id);
      this.body.lastChild.remove();
    }
    this.mark(chosen);
  }

  mark(id) {
    for (const row of this.body.rows) {
      const is = row.dataset.id === id;
      row.setAttribute('aria-selected', is);
      row.cells[0].firstChild.setAttribute('aria-current', is);
    }
  }
}

// showWay renders what the program knows of one event.
export function showWay({ way, item, detail, message, wanted }) {
  document.querySelector('#no-way').hidden = true;
  document.querySelector('#chosen').hidden = false;
  document.querySelector('#way-title').replaceChildren('Its way ', element('small', '', `${way.name || ''} ${way.id}`));
  const steps = [
    ['committed', way.committed, 'Committed', 'the user and this event, in one transaction'],
  ];
  if (way.deadLettered && !way.published) {
    steps.push(['dead', way.deadLettered, 'Dead letter', 'no event that could be published: kept in a table for a person to look at']);
  } else {
    steps.push(['published', way.published, 'Published', way.publishes > 1 ? `the bus accepted it ${way.publishes} times, each time under the same event id` : 'the relay read it from the stream, and the bus accepted it']);
    if (wanted) {
      steps.push(['received', way.received, 'Received', way.deliveries > 1 ? `by the messaging service, ${way.deliveries} times` : 'by the messaging service, from its queue']);
      if (way.parked && !way.done) steps.push(['dead', way.parked, 'Dead-letter queue', 'the consumer could not handle it, five times']);
      else steps.push(['done', way.done, 'Done', way.deliveries > 1 ? 'once: the receipt told the other deliveries apart' : 'work and receipt committed in one transaction']);
    }
  }
  const start = way.committed;
  document.querySelector('#steps').replaceChildren(...steps.map(([kind, at, title, text]) => {
    const step = element('li', at ? kind : 'open');
    const what = element('span', '', at ? title : `${title}: not yet`);
    what.append(element('small', '', text));
    const when = element('time', '', !at ? '' : at === start ? new Date(at).toLocaleTimeString([], { hour12: false }) : `+ ${words(ms(start, at))} ms`.replace(' s ms', ' s'));
    step.append(what, when);
    return step;
  }));
  fill('#item', item, 'It is not in the event store.');
  fill('#detail', detail, 'The bus has not accepted it.');
  fill('#message', message, wanted ? 'The consumer has not received it.' : 'No rule sends this event to a queue: nobody has asked for it.');
}

function fill(selector, text, missing) {
  const place = document.querySelector(selector);
  const next = text ? pretty(text) : missing;
  if (place.textContent !== next) place.textContent = next;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}
