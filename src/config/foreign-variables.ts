/** Variables of the environment whose names begin like ours and that others set: Kubernetes, for services called hearth. Pure. */

/**
 * Kubernetes describes each service in the environment of a pod: for one called hearth or hearth-lan by HEARTH_SERVICE_HOST,
 * HEARTH_LAN_SERVICE_PORT_HTTP, HEARTH_PORT, HEARTH_PORT_11434_TCP_ADDR and their like.
 */
export function isForeign(name: string, value: string): boolean {
  if (/^HEARTH_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)$/.test(name)) return true;
  if (/^HEARTH_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  // Told from a mistyped option by its value: an address as Kubernetes writes it.
  return /^HEARTH_(\w+_)?PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value);
}
