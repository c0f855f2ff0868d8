import { type HistoryPart, runPart } from './histories.ts'

globalThis.addEventListener('message', ({ data }: MessageEvent<HistoryPart>) => {
  void runPart(data).then((records) => globalThis.postMessage(records, {}))
})
