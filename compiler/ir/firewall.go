package ir

import "net/netip"

// HostFirewall is what the machines of a host group take themselves; everything else that comes to them is dropped.
// Packets for pods pass it by.
type HostFirewall struct {
	Group string
	Rules []FirewallRule // in the order of the flows
	From  From
}

// FirewallRule admits one port, or one protocol, from some addresses of one family.
type FirewallRule struct {
	Protocol string // tcp, udp, or ipip
	Port     uint16 // 0: the protocol has none
	IPv6     bool
	Sources  []netip.Prefix // sorted, none inside another
	OneHop   bool           // only with the TTL that no router has lowered
	Why      string         // one line
	From     From
}
