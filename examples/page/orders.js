/** "Another service": the form that pushes over HTTP, with no WebSocket involved. */

export function setUpPush(form, result, command) {
  const field = (name) => form.elements.namedItem(name);

  function path() {
    return `/${field('kind').value}/${encodeURIComponent(field('target').value.trim())}`;
  }

  function showCommand() {
    const text = field('text').value.replaceAll("'", `'\\''`);
    command.textContent = `curl -X POST --data '${text}' ${location.origin}${path()}`;
  }

  form.addEventListener('input', showCommand);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const method = event.submitter?.value ?? 'POST';
    const request = method === 'POST' ? { method, body: field('text').value } : { method };
    try {
      const response = await fetch(path(), request);
      const answer = await response.json();
      result.textContent = `${response.status}: ${describe(answer)}`;
      result.dataset.mood = response.ok ? 'well' : 'lost';
    } catch {
      result.textContent = 'The server does not answer.';
      result.dataset.mood = 'lost';
    }
  });
  showCommand();
}

function describe({ status, count, error }) {
  if (error) return error;
  return count === undefined ? status : `${status}, ${count} ${count === 1 ? 'connection' : 'connections'}`;
}
