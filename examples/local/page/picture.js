// The picture: stations, links between them, counts, and a token for each step
// that an event takes.

const svg = (name, attributes, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
};

// Stations: title, what it is in AWS, place in the wide and in the tall picture.
const stations = {
  client: { title: 'Sign-up', sub: 'browser, curl', wide: [70, 122], tall: [95, 45], h: 52 },
  users: { title: 'User service', sub: 'Lambda', wide: [228, 122], tall: [270, 45], h: 52 },
  store: { title: 'DynamoDB', sub: '', wide: [420, 122], tall: [200, 178], w: 164, h: 152 },
  relay: { title: 'Relay', sub: 'Lambda', wide: [622, 122], tall: [95, 340] },
  bus: { title: 'Event bus', sub: 'EventBridge', wide: [782, 122], tall: [270, 340] },
  queue: { title: 'Queue', sub: 'SQS', wide: [942, 122], tall: [270, 505] },
  consumer: { title: 'Messaging service', sub: 'Lambda', wide: [1118, 122], w: 144, tall: [105, 505], h: 52 },
  mail: { title: 'Welcome e-mail', sub: 'SES', wide: [1300, 122], w: 130, tall: [105, 640] },
  letters: { title: 'Dead letters', sub: 'DynamoDB table', wide: [622, 248], tall: [95, 432], h: 64 },
  dlq: { title: 'Dead-letter queue', sub: 'SQS', wide: [942, 248], w: 140, tall: [270, 602], h: 64 },
};
// Where the counts of the ledger stand.
const counted = { bus: 'published', letters: 'deadLettered', dlq: 'parked', mail: 'mails', queue: 'underway', relay: 'waiting' };
const countWords = { bus: 'accepted', relay: 'waiting', queue: 'on their way', mail: 'sent' };
const links = [
  ['client', 'users', 'POST'], ['users', 'store', ''], ['store', 'relay', 'stream'], ['relay', 'bus', ''],
  ['bus', 'queue', 'rule'], ['queue', 'consumer', ''], ['consumer', 'mail', ''], ['relay', 'letters', ''], ['queue', 'dlq', ''],
];
// The consumer is a producer too: its way back to the store.
const back = {
  wide: { d: 'M1158 96V32H440V43', at: [780, 26] },
  tall: { d: 'M33 505H16V178H115', at: [0, 0] },
};

export class Picture {
  flying = 0;
  #shown = {};

  constructor(place, isCalm) {
    this.place = place;
    this.isCalm = isCalm;
    this.#draw();
    addEventListener('resize', () => { if (this.tall !== this.#wantsTall()) this.#draw(); });
  }

  #wantsTall() { return innerWidth < 900; }
  #at(name) { return stations[name][this.tall ? 'tall' : 'wide']; }
  #size(name) { const s = stations[name]; return [s.w ?? 116, s.h ?? 92]; }

  #draw() {
    this.tall = this.#wantsTall();
    this.place.classList.toggle('tall', this.tall);
    this.place.setAttribute('viewBox', this.tall ? '0 0 360 700' : '0 0 1380 296');
    const arrow = svg('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: 'auto-start-reverse' });
    arrow.append(svg('path', { d: 'M0 0 8 4 0 8z' }));
    const defs = svg('defs', {});
    defs.append(arrow);
    this.links = new Map(links.map(([from, to, label]) => [`${from} ${to}`, this.#link(from, to, label)]));
    const { d, at: [x, y] } = back[this.tall ? 'tall' : 'wide'];
    const wayBack = svg('g', {});
    wayBack.append(svg('path', { class: 'link thin', d }));
    if (!this.tall) wayBack.append(svg('text', { class: 'label', x, y }, 'receipt and its own event Email.Sent, again one transaction'));
    this.tokens = svg('g', {});
    this.groups = Object.fromEntries(Object.keys(stations).map((name) => [name, this.#station(name)]));
    this.place.replaceChildren(defs, wayBack, ...this.links.values(), ...Object.values(this.groups), this.tokens);
    if (this.#shown.ledger) this.counts(this.#shown.ledger);
    if (this.#shown.faults) this.trouble(this.#shown.faults, this.#shown.parts);
  }

  // #link draws an arrow between the edges of two stations.
  #link(from, to, label) {
    const [[x1, y1], [x2, y2]] = [this.#at(from), this.#at(to)];
    const [[w1, h1], [w2, h2]] = [this.#size(from), this.#size(to)];
    const across = Math.abs(x2 - x1) > w1 / 2 + w2 / 2, sx = Math.sign(x2 - x1), sy = Math.sign(y2 - y1);
    const x = (Math.max(x1 - w1 / 2, x2 - w2 / 2) + Math.min(x1 + w1 / 2, x2 + w2 / 2)) / 2; // where both are
    const group = svg('g', {});
    const [ax, ay, bx, by] = across
      ? [x1 + (sx * w1) / 2, y2, x2 - (sx * w2) / 2 - sx * 3, y2]
      : [x, y1 + (sy * h1) / 2, x, y2 - (sy * h2) / 2 - sy * 3];
    group.append(svg('line', { class: 'link', x1: ax, y1: ay, x2: bx, y2: by }));
    if (label) group.append(across ? svg('text', { class: 'label', x: (ax + bx) / 2, y: ay - 7 }, label) : svg('text', { class: 'label', x: ax + 24, y: (ay + by) / 2 + 4 }, label));
    return group;
  }

  #station(name) {
    const { title, sub } = stations[name];
    const [x, y] = this.#at(name), [w, h] = this.#size(name);
    const group = svg('g', { 'data-station': name });
    group.append(svg('rect', { class: 'box', x: x - w / 2, y: y - h / 2, width: w, height: h, rx: 9 }));
    group.append(svg('text', { x, y: y - h / 2 + 20 }, title));
    if (name === 'store') {
      group.append(svg('rect', { class: 'transaction', x: x - 72, y: y - 46, width: 144, height: 94, rx: 6 }));
      [['users', -27], ['event store', 11]].forEach(([table, dy]) => {
        group.append(svg('rect', { class: 'inner', x: x - 60, y: y + dy - 13, width: 120, height: 28, rx: 4 }));
        group.append(svg('text', { class: 'table', x, y: y + dy + 5 }, table));
      });
      group.append(svg('text', { class: 'bracket', x, y: y + 41 }, 'one transaction'));
      group.append(svg('text', { class: 'sub count', x, y: y + 66 }, ''));
    } else {
      const low = h < 70;
      group.append(svg('text', { class: 'sub', x, y: y - h / 2 + 36 }, sub));
      if (counted[name]) group.append(svg('text', { class: 'count', x, y: y - h / 2 + (low ? 55 : 60) }, '0'));
      if (countWords[name]) group.append(svg('text', { class: 'sub', x, y: y - h / 2 + 75 }, countWords[name]));
    }
    group.append(svg('text', { class: 'trouble', x, y: y - h / 2 - 7 }, ''));
    return group;
  }

  counts(ledger) {
    this.#shown.ledger = ledger;
    for (const [name, key] of Object.entries(counted)) this.groups[name].querySelector('.count').textContent = ledger[key];
    this.groups.store.querySelector('.count').textContent = `${ledger.committed} events`;
  }

  trouble(faults, parts) {
    this.#shown.faults = faults;
    this.#shown.parts = parts;
    const words = {
      bus: faults['bus-down'] ? 'down' : faults.refuse ? 'refuses every fifth' : faults.twice ? 'its answers get lost' : '',
      relay: parts.relay === 'down' ? 'killed' : faults['kill-relay'] ? 'about to be killed' : '',
      consumer: parts.messaging === 'down' ? 'crashed' : faults.crash ? 'about to crash' : '',
      queue: faults.twice ? 'delivers again' : '',
    };
    for (const [name, text] of Object.entries(words)) {
      this.groups[name].classList.toggle('broken', text !== '');
      this.groups[name].querySelector('.trouble').textContent = text;
    }
    this.links.get('relay bus').firstChild.classList.toggle('broken', Boolean(faults['bus-down']));
  }

  // move sends a token along the links that an event has passed since before.
  move(before, after, mine) {
    const was = before ?? {};
    const hops = [];
    if (after.committed && !was.committed) hops.push(...(after.source === 'messagingService' ? [['consumer', 'store']] : [['client', 'users'], ['users', 'store']]));
    if (after.published && after.publishes > (was.publishes ?? 0)) hops.push(['store', 'relay'], ['relay', 'bus']);
    if (after.deadLettered && !was.deadLettered) hops.push(['store', 'relay'], ['relay', 'letters']);
    if (after.deliveries > (was.deliveries ?? 0)) hops.push(['bus', 'queue'], ['queue', 'consumer']);
    if (after.done && !was.done) hops.push(['consumer', 'mail']);
    if (after.parked && !was.parked) hops.push(['queue', 'dlq']);
    if (!hops.length || this.isCalm() || document.hidden || this.flying > 60) return;
    let kind = after.done ? 'done' : '';
    if (after.publishes > 1 || after.deliveries > 1) kind = 'again';
    if (after.deadLettered || after.parked) kind = 'dead';
    this.#fly(hops, `token ${kind} ${mine ? 'mine' : ''}`);
  }

  #fly(hops, className) {
    const token = svg('circle', { class: className, r: 6 });
    const jitter = (Math.random() - 0.5) * 26;
    const places = [hops[0][0], ...hops.map(([, to]) => to)].map((name) => this.#at(name));
    const frames = places.map(([x, y]) => ({ transform: `translate(${x + jitter / 3}px, ${y + jitter}px)` }));
    this.tokens.append(token);
    this.flying++;
    const flight = token.animate(frames, { duration: 420 * hops.length, delay: Math.random() * 250, fill: 'backwards', easing: 'ease-in-out' });
    flight.onfinish = flight.oncancel = () => { this.flying--; token.remove(); };
  }
}
