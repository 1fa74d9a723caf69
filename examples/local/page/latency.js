// The latency plot: one column per event, time upwards on a logarithmic scale.

const svg = (name, attributes, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
};
const width = 640, height = 250, left = 52, right = 10, top = 10, bottom = 10;
const low = 1, high = 100000; // ms
const y = (ms) => top + (height - top - bottom) * (1 - Math.log(Math.min(high, Math.max(low, ms)) / low) / Math.log(high / low));

export function plot(place, summary, events) {
  const times = (to) => events.map((e) => (e.committed && e[to] ? new Date(e[to]) - new Date(e.committed) : null));
  const published = times('published'), done = times('done');
  const marks = [];
  for (const [ms, label] of [[1, '1 ms'], [10, '10 ms'], [100, '100 ms'], [1000, '1 s'], [10000, '10 s'], [100000, '100 s']]) {
    marks.push(svg('line', { x1: left, x2: width - right, y1: y(ms), y2: y(ms) }));
    marks.push(svg('text', { x: left - 6, y: y(ms) + 4, 'text-anchor': 'end' }, label));
  }
  const x = (i) => left + 8 + ((width - left - right - 16) * i) / Math.max(99, events.length - 1);
  published.forEach((ms, i) => ms !== null && marks.push(svg('circle', { class: 'published', cx: x(i), cy: y(ms), r: 3 })));
  done.forEach((ms, i) => ms !== null && marks.push(svg('rect', { class: 'done', x: x(i) - 2.6, y: y(ms) - 2.6, width: 5.2, height: 5.2 })));
  place.setAttribute('viewBox', `0 0 ${width} ${height}`);
  place.replaceChildren(...marks);
  const words = !events.length ? 'nothing yet' : `median ${median(published)} to the bus, ${median(done)} to the end`;
  summary.textContent = words;
  place.setAttribute('aria-label', `Latency of the last ${events.length} events: ${words}.`);
}

function median(times) {
  const sorted = times.filter((ms) => ms !== null).sort((a, b) => a - b);
  if (!sorted.length) return '–';
  const ms = sorted[Math.floor(sorted.length / 2)];
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
