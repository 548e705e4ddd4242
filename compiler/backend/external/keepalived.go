package external

import (
	"fmt"
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// keepalived writes /etc/keepalived/keepalived.conf: one VRRP instance that carries every virtual address.
func keepalived(p *ir.Plan, t *artifact.Tree, m *ir.Balancer) {
	b := p.Balancers
	f := file(p, t, m, "/etc/keepalived/keepalived.conf")
	comments(f,
		"keepalived 2.2 or later. Check: keepalived -t -f /etc/keepalived/keepalived.conf; load: systemctl reload keepalived",
		"Before loading, replace:",
		"  "+m.Interface+"  the interface that carries "+m.Address.String())
	if b.Password != "" {
		comments(f, "  "+b.Password+"  8 characters, the same on every machine; they go in the clear")
	}
	comments(f,
		"The router in front has the virtual addresses on the network of this interface: it asks for them by ARP or",
		"neighbour discovery, and the machine that has them answers.")
	line := func(depth int, format string, args ...any) {
		f.Linef("%*s%s", 4*depth, "", fmt.Sprintf(format, args...))
	}
	f.Blank()
	line(0, "global_defs {")
	line(1, "router_id %s", m.Name)
	line(0, "}")
	f.Blank()
	comments(f, "Without HAProxy a machine is in fault, and gives the addresses away.")
	line(0, "vrrp_track_process haproxy {")
	line(1, "process haproxy")
	line(1, "quorum 1")
	line(1, "delay %d", 2*b.AdvertSecs)
	line(0, "}")
	f.Blank()
	line(0, "vrrp_instance %s {", p.Name)
	line(1, "interface %s", m.Interface)
	line(1, "# Every machine begins so, and one that comes back takes nothing: each move ends connections.")
	line(1, "state BACKUP")
	line(1, "nopreempt")
	line(1, "priority %d", m.Priority)
	line(1, "virtual_router_id %d", b.RouterID)
	line(1, "advert_int %d", b.AdvertSecs)
	peers(line, b, m)
	addresses(line, "virtual_ipaddress", b.Advertised)
	if len(b.Carried) > 0 {
		line(1, "# Not in the messages: machines with other lists would not understand each other while one is changed.")
	}
	addresses(line, "virtual_ipaddress_excluded", b.Carried)
	line(1, "track_process {")
	line(2, "haproxy")
	line(1, "}")
	line(0, "}")
}

// peers makes the machines talk to one another by address, and to nobody else.
func peers(line func(int, string, ...any), b *ir.Balancers, m *ir.Balancer) {
	if len(m.Peers) == 0 {
		return
	}
	line(1, "unicast_src_ip %s", m.Address)
	line(1, "unicast_peer {")
	for _, a := range m.Peers {
		line(2, "%s", a)
	}
	line(1, "}")
	line(1, "check_unicast_src")
	if b.Password != "" {
		line(1, "authentication {")
		line(2, "auth_type PASS")
		line(2, "auth_pass %s", b.Password)
		line(1, "}")
	}
}

func addresses(line func(int, string, ...any), block string, list []netip.Addr) {
	if len(list) == 0 {
		return
	}
	line(1, "%s {", block)
	for _, a := range list {
		line(2, "%s", netip.PrefixFrom(a, a.BitLen()))
	}
	line(1, "}")
}

// sysctls writes the kernel settings of the machine.
func sysctls(p *ir.Plan, t *artifact.Tree, m *ir.Balancer) {
	f := file(p, t, m, "/etc/sysctl.d/90-meshgen.conf")
	comments(f, "Applied at boot; at once: systemctl restart systemd-sysctl. Before HAProxy starts.")
	for _, s := range p.Balancers.Sysctls {
		f.From(s.Why, s.From...)
		f.Blank()
		comments(f, s.Reason)
		f.Line(s.Key + " = " + s.Value)
	}
}
