import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Gauges with a counter's name, which `promtool check metrics` refuses; each is the sum of another gauge's labels. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** A registry with the process' own figures and what build this is. Names start with `moltbot_`. */
export function createRegistry(service: string, version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const build = new Gauge({
    name: 'moltbot_build_info',
    help: 'Always 1; the labels say what runs here.',
    labelNames: ['service', 'version'],
    registers: [registry],
  });
  build.set({ service, version }, 1);
  return registry;
}
