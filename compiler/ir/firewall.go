package ir

import "net/netip"

// HostFirewall is what the machines of a host group take themselves; everything else that comes to them is dropped.
// Packets for pods pass it by.
type HostFirewall struct {
	Proxy   *PacketMark    // of packets on the way to the pod network's own proxy; nil where it has none
	Earlier string         // the pod network that takes packets for Services before any filter sees them; "" for none
	Rules   []FirewallRule // in the order of the flows
	From    From
}

// PacketMark is a value under a mask, in the mark that the kernel keeps with a packet while it is on the machine.
type PacketMark struct{ Value, Mask uint32 }

// TalosFirewall is the same for machines of Talos, which write the filter themselves from rules by port.
type TalosFirewall struct {
	Unmarked bool        // the pod network has a proxy of its own, whose packets Talos cannot tell by their mark
	Earlier  string      // as in HostFirewall
	Rules    []TalosRule // by protocol and port
	From     From
}

// TalosRule admits one port from addresses of both families.
type TalosRule struct {
	Name     string // "tcp-10250"
	Protocol string // tcp or udp
	Port     uint16
	Sources  []netip.Prefix // sorted
	Why      []string       // a line for each flow
	From     From
}

// FirewallRule admits one port, or one protocol, from some addresses of one family.
type FirewallRule struct {
	Protocol string // tcp, udp, ipip or esp
	Port     uint16 // 0: the protocol has none
	IPv6     bool
	Sources  []netip.Prefix // sorted, none inside another
	OneHop   bool           // only with the TTL that no router has lowered
	Why      string         // one line
	From     From
}
