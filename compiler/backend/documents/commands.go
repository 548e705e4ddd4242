package documents

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// onSwitch is a command that asks a switch over ssh, in the words of its system.
func onSwitch(s *ir.Switch, frr, eos, nxos string) string {
	switch s.OS {
	case "eos":
		return fmt.Sprintf(`ssh -n %s "%s"`, s.Hostname, eos)
	case "nxos":
		return fmt.Sprintf(`ssh -n %s "%s"`, s.Hostname, nxos)
	}
	return fmt.Sprintf(`ssh -n %s "sudo vtysh -c '%s'"`, s.Hostname, frr)
}

// summaries ask a switch for its sessions.
func summaries(s *ir.Switch) []string {
	out := []string{onSwitch(s, "show bgp summary", "show bgp summary", "show bgp all summary")}
	if slices.ContainsFunc(s.PeerGroups(), func(g ir.PeerGroup) bool { return g.BFD != nil }) { // else NX-OS knows no such command
		out = append(out, onSwitch(s, "show bfd peers brief", "show bfd peers", "show bfd neighbors"))
	}
	return out
}

// paths are the addresses with the commands that follow one from outside to the pods and the switches.
func paths(p *ir.Plan) []vipPath {
	var out []vipPath
	for i := range p.Gateways {
		g := &p.Gateways[i]
		pool := poolOf(p, g.Pool)
		for _, a := range g.VIPs {
			v := vipPath{Address: a.String(), Gateway: *g, Racks: strings.Join(g.Racks, ", "), Layer2: pool.Protocol == "l2"}
			family := ir.FamilyOf(a)
			route := netip.PrefixFrom(a, family.HostBits()).String()
			for j := range g.Listeners {
				v.Outside = append(v.Outside, fromOutside(&g.Listeners[j], a)...)
			}
			if v.Layer2 {
				out = append(out, v)
				continue
			}
			if len(pool.NodeSelector.Terms) > 0 && frrPods(p) != "" {
				v.Inside = append(v.Inside, fmt.Sprintf(`for n in $(kubectl get nodes -l '%s' -o jsonpath='{.items[*].metadata.name}'); do echo "== $n"; frr "$n" 'show bgp %s unicast %s'; done`,
					selector(pool.NodeSelector), family, route))
			}
			for j := range p.Switches {
				s := &p.Switches[j]
				if s.Role == "spine" || slices.Contains(pool.Racks, s.Rack) {
					eos := "show ip bgp " + route
					if family == ir.IPv6 {
						eos = "show ipv6 bgp " + route
					}
					v.Inside = append(v.Inside, onSwitch(s, fmt.Sprintf("show bgp %s unicast %s", family, route), eos, fmt.Sprintf("show bgp %s unicast %s", family, route)))
				}
			}
			out = append(out, v)
		}
	}
	return out
}

// frrPods is the component of the load balancer's pods with a container frr, which speaks BGP; "" where none does.
func frrPods(p *ir.Plan) string {
	switch p.LoadBalancer.Backend {
	case "frr-k8s":
		return "frr-k8s"
	case "frr":
		return "speaker"
	}
	return ""
}

// selector is a selector of labels as kubectl takes it.
func selector(s ir.Selector) string {
	var out []string
	for _, t := range s.Terms {
		out = append(out, t.Key+" in ("+strings.Join(t.Values, ",")+")")
	}
	return strings.Join(out, ",")
}

// fromOutside asks a listener as a client does.
func fromOutside(l *ir.Listener, a netip.Addr) []string {
	var out []string
	at := netip.AddrPortFrom(a, l.Port)
	if l.IsStream() && l.TLS == nil {
		if l.Protocol == "udp" {
			return []string{fmt.Sprintf("nc -u -z -v -w 3 %s %d   # succeeds too where nobody answers at all", a, l.Port)}
		}
		return []string{fmt.Sprintf("nc -z -v -w 3 %s %d", a, l.Port)}
	}
	for _, h := range l.Hosts {
		if h.Host == "" || strings.Contains(h.Host, "*") {
			continue
		}
		bracketed := strings.TrimSuffix(at.String(), ":"+number(l.Port))
		resolve := fmt.Sprintf("curl -sS -o /dev/null -w '%%{http_code} %%{time_connect}\\n' --connect-timeout 3 --resolve %s:%d:%s", h.Host, l.Port, bracketed)
		switch {
		case l.TLS != nil && l.TLS.Mode == "mutual":
			out = append(out, fmt.Sprintf("%s --cert client.pem --key client-key.pem https://%s:%d/", resolve, h.Host, l.Port))
		case l.TLS != nil:
			out = append(out, fmt.Sprintf("%s https://%s:%d/", resolve, h.Host, l.Port))
		default:
			out = append(out, fmt.Sprintf("%s http://%s:%d/", resolve, h.Host, l.Port))
		}
	}
	if out == nil {
		out = append(out, fmt.Sprintf("nc -z -v -w 3 %s %d", a, l.Port))
	}
	return out
}

// certificates are those that clients see, once for each listener.
func certificates(p *ir.Plan) []certificate {
	var out []certificate
	for _, g := range p.Gateways {
		for _, l := range g.Listeners {
			if l.TLS == nil || l.TLS.Secret == "" || len(l.Hosts) == 0 || len(g.VIPs) == 0 {
				continue
			}
			host := strings.ReplaceAll(l.Hosts[0].Host, "*", "www")
			if host == "" {
				host = g.Name
			}
			out = append(out, certificate{netip.AddrPortFrom(g.VIPs[0], l.Port).String(), host, g.Namespace, l.TLS.Secret, l.TLS.Issuer})
		}
	}
	return out
}

// datapath looks for each address in what kube-proxy has written on the nodes, in the language of its mode.
func datapath(p *ir.Plan) []string {
	var out []string
	for _, g := range p.Gateways {
		for _, a := range g.VIPs {
			for _, l := range g.Listeners {
				if cmd := lookup(p.Cluster.KubeProxy.Mode, a, l.Transport(), l.Port); cmd != "" {
					out = append(out, `each "$nodes" '`+cmd+`'`)
				}
			}
		}
	}
	return out
}

// lookup finds a port of an address, of transport "tcp" or "udp", where a mode of kube-proxy keeps it.
func lookup(mode string, a netip.Addr, transport string, port uint16) string {
	table, save := "ip", "iptables-save"
	if a.Is6() {
		table, save = "ip6", "ip6tables-save"
	}
	switch mode {
	case "nftables":
		return fmt.Sprintf(`sudo nft list map %s kube-proxy service-ips | grep -c "%s \. %s \. %d"`, table, a, transport, port)
	case "iptables":
		return fmt.Sprintf(`sudo %s -t nat | grep -cE -- "-d %s/(32|128) .*--dport %d"`, save, a, port)
	case "ipvs":
		return fmt.Sprintf(`sudo ipvsadm -Ln -%c %s`, transport[0], netip.AddrPortFrom(a, port))
	}
	return ""
}
