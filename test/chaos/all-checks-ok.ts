/** Shows entries for ten minutes after they were set aside: corrupted connections and a filled stream leave some. */
const HISTORY = 'entries';

/** Whether every check of the present is ok: a service can be ready although one of its checks is not. */
export const allChecksOk = (url: string, withinMs: number): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(withinMs) }).then(
    async (answer) => {
      const text = await answer.text();
      const { checks = {} } = JSON.parse(text) as { checks?: Record<string, string> };
      return answer.ok && Object.entries(checks).every(([name, state]) => name === HISTORY || state === 'ok');
    },
    () => false,
  );
