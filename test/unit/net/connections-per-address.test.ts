import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionsPerAddress } from "../../../src/net/connections-per-address.js";

/** How many of `addresses` get a place, in order. */
const taken = (places: ConnectionsPerAddress, addresses: readonly string[]) =>
  addresses.filter((address) => places.take(address)).length;
const times = (count: number, address: (i: number) => string) => Array.from({ length: count }, (_, i) => address(i));

test("one address has its share of connections, and others have theirs", () => {
  const places = new ConnectionsPerAddress(() => 3);
  assert.equal(
    taken(
      places,
      times(10, () => "192.168.1.7"),
    ),
    3,
  );
  assert.equal(
    taken(
      places,
      times(10, () => "192.168.1.8"),
    ),
    3,
  );
});

test("a place is free again when its connection closes, once", () => {
  const places = new ConnectionsPerAddress(() => 1);
  const giveBack = places.take("192.168.1.7");
  assert.ok(giveBack);
  assert.equal(places.take("192.168.1.7"), null);
  giveBack();
  giveBack();
  assert.equal(
    taken(
      places,
      times(5, () => "192.168.1.7"),
    ),
    1,
  );
});

test("loopback has no limit: a proxy with many clients may stand there", () => {
  const places = new ConnectionsPerAddress(() => 1);
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert.equal(
      taken(
        places,
        times(10, () => address),
      ),
      10,
      address,
    );
  }
});

test("an IPv4 address is the same behind a dual-stack socket", () => {
  const places = new ConnectionsPerAddress(() => 2);
  assert.equal(taken(places, ["192.168.1.7", "::ffff:192.168.1.7", "::ffff:192.168.1.7", "192.168.1.7"]), 2);
});

test("one host's many addresses in an IPv6 network do not get it more than two shares", () => {
  const places = new ConnectionsPerAddress(() => 3);
  const network = times(20, (i) => `2001:db8:0:7:${i.toString(16)}::1`);
  assert.equal(taken(places, network), 6);
  assert.equal(
    taken(
      places,
      times(20, () => "2001:db8:0:8::1"),
    ),
    3,
  );
  assert.equal(
    taken(
      places,
      times(20, (i) => `fe80::${i + 1}%eth0`),
    ),
    6,
  );
  assert.equal(
    taken(
      places,
      times(20, () => "192.168.1.7"),
    ),
    3,
  );
});

test("nothing is remembered of connections that have closed", () => {
  const places = new ConnectionsPerAddress(() => 3);
  const all = ["192.168.1.7", "2001:db8::1", "fe80::1%eth0"].map((address) => places.take(address));
  assert.ok(places.size > 0);
  for (const giveBack of all) giveBack?.();
  assert.equal(places.size, 0);
});
