import assert from "node:assert/strict";
import { test } from "node:test";
import { isLocalAddress, isPublicAddress } from "../../../src/base/addresses.js";

test("an address is of the internet, of the neighbourhood, or neither", () => {
  for (const address of ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111"]) {
    assert.ok(isPublicAddress(address) && !isLocalAddress(address), address);
  }
  const local = [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.0.9",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "fd00::1",
  ];
  for (const address of [...local, "fe80::1", "fe80::1%eth0", "::ffff:10.0.0.1", "::ffff:7f00:1"]) {
    assert.ok(isLocalAddress(address) && !isPublicAddress(address), address);
  }
  const neither = [
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "ff02::1",
  ];
  for (const address of [...neither, "", "localhost", "1.2.3"]) {
    assert.ok(!isLocalAddress(address) && !isPublicAddress(address), address);
  }
});
