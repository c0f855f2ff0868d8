// Measures botshelf beside its peers and the bare platform, in Chromium, workerd and Node:
// npm run bench [-- --only <workload or group>] [--rounds n] [--quick] [--output <folder>]
// A run of everything writes RESULTS.md, chart.svg and results.json into this folder; others print.
import { main } from './main.ts'

await main()
