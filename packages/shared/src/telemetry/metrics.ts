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

/** For one process that is several services: each metric once, whoever made it first. */
export async function mergedMetrics(registries: readonly Registry[]): Promise<string> {
  const merged = new Registry(); // @NOTE Registry.merge refuses a name that two registries share
  for (const registry of registries)
    for (const { name } of registry.getMetricsAsArray()) {
      const metric = registry.getSingleMetric(name);
      if (metric && !merged.getSingleMetric(name)) merged.registerMetric(metric);
    }
  return await merged.metrics();
}
