package eos

import "meshgen.dev/meshgen/compiler/ir"

// resilient writes the networks whose routes have a table of next hops of fixed size: when one goes away its places are dealt
// out to the others, and their own stay.
// Source: Arista EOS User Manual, IPv4, Resilient ECMP, read 2026-11-21.
func (w *writer) resilient() {
	for i, r := range w.Switch.Resilient {
		w.Section(r.From)
		if i == 0 {
			w.Line("! When a next hop goes away only the connections through it move. Models have room for so many entries each.")
		}
		w.Linef("%s hardware fib ecmp resilience %s capacity %d redundancy %d", ir.FamilyOf(r.Prefix.Addr()).Protocol(), r.Prefix, r.NextHops, r.Copies)
	}
	if len(w.Switch.Resilient) > 0 {
		w.Line("!")
	}
}
