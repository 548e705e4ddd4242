package external

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// haproxy writes /etc/haproxy/haproxy.cfg. HAProxy fills in nothing that matters here by itself: without timeouts it
// warns and waits for ever, without maxconn it takes what the limit of files leaves.
func haproxy(p *ir.Plan, t *artifact.Tree, m *ir.Balancer) {
	b := p.Balancers
	f := file(p, t, m, "/etc/haproxy/haproxy.cfg")
	comments(f,
		"HAProxy 2.6 or later. Check: haproxy -c -f /etc/haproxy/haproxy.cfg; load: systemctl reload haproxy")
	f.Begin(b.From...)
	var from ir.From
	for _, x := range b.Fronts {
		from = append(from, x.From...)
	}
	f.Blank()
	f.Line("global")
	line := func(format string, args ...any) { f.Line("    " + fmt.Sprintf(format, args...)) }
	line("log /dev/log local0")
	line("user haproxy")
	line("group haproxy")
	line("stats socket /run/haproxy/admin.sock user haproxy group haproxy mode 660 level admin expose-fd listeners")
	line("# After a reload the old process ends its last connections.")
	line("hard-stop-after %ds", b.StopSecs)
	f.From("balancer/open-files", from...)
	line("# The sum of the frontends': no gateway takes another's. Each connection is two files: see haproxy.service.d.")
	line("maxconn %d", b.MaxConn)
	f.Fixed()
	defaults(f, b)
	for i := range b.Fronts {
		front(f, m, b, &b.Fronts[i])
	}
	f.Begin(b.From...)
	f.Blank()
	f.Line("frontend stats")
	line("mode http")
	line("option httplog")
	line("option dontlog-normal")
	line("bind 127.0.0.1:%d", b.StatsPort)
	line("http-request use-service prometheus-exporter if { path /metrics }")
	line("stats enable")
	line("stats uri /")
}

func defaults(f *artifact.File, b *ir.Balancers) {
	f.Blank()
	f.Line("defaults")
	for _, s := range []string{
		"mode tcp",
		"log global",
		"option tcplog",
		"option dontlognull",
		"balance leastconn",
		"# A node that refuses or does not answer is left for another at once.",
		"retries 2",
		"option redispatch 1",
		fmt.Sprintf("timeout connect %ds", b.ConnectSecs),
		fmt.Sprintf("timeout check %ds", b.CheckSecs),
		"# Longer than the gateways' hour: who ends an idle connection is the gateway, and tells the client.",
		fmt.Sprintf("timeout client %ds", b.IdleSecs),
		fmt.Sprintf("timeout server %ds", b.IdleSecs),
		"# A failed check takes no connection away: a pod that ends still serves those it has. Those to a dead node end here.",
		"option srvtcpka",
		fmt.Sprintf("srvtcpka-idle %ds", b.DeadSecs/2),
		fmt.Sprintf("srvtcpka-intvl %ds", max(1, b.DeadSecs/4)),
		"srvtcpka-cnt 2",
		fmt.Sprintf("default-server inter %ds fall %d rise %d tcp-ut %ds", b.CheckSecs, b.Fall, b.Rise, b.DeadSecs),
	} {
		f.Line("    " + s)
	}
}

// front writes the frontend and the backend of one listener.
func front(f *artifact.File, m *ir.Balancer, b *ir.Balancers, x *ir.Front) {
	f.Begin(append(slices.Clone(b.MachineFrom), x.From...)...)
	line := func(format string, args ...any) { f.Line("    " + fmt.Sprintf(format, args...)) }
	f.Blank()
	f.Line("frontend " + x.Name)
	for _, a := range x.VIPs {
		line("bind %s", netip.AddrPortFrom(a, x.Port))
	}
	line("maxconn %d", x.MaxConn)
	if len(x.SourceRanges) > 0 {
		line("acl allowed src %s", strings.Join(ir.Prefixes(x.SourceRanges), " "))
		line("tcp-request connection reject unless allowed")
	}
	line("default_backend %s", x.Name)
	f.Blank()
	f.Line("backend " + x.Name)
	line("# The only address that a NetworkPolicy admits from here.")
	line("source %s", m.Address)
	check := "check"
	if x.HealthPort != 0 {
		what := "the gateway"
		if x.Exposure != "" {
			what = "the exposure"
		}
		line("# kube-proxy answers 200 on a node with a ready pod of %s, and 503 elsewhere: externalTrafficPolicy Local", what)
		line("# drops what comes to such a node.")
		line("option httpchk")
		line("http-check send meth GET uri /healthz")
		line("http-check expect status 200")
		check += fmt.Sprintf(" port %d", x.HealthPort)
	}
	if x.ProxyProtocol {
		check += " send-proxy-v2" // to a check on another port it does not apply
	}
	for _, s := range x.Servers {
		line("server %s %s %s", s.Node, netip.AddrPortFrom(s.Address, x.NodePort), check)
	}
}

// limits writes the drop-in that gives HAProxy's process the files that its connections take. HAProxy 2.6 checks no
// maxconn against the limit; short of files it stops accepting.
func limits(p *ir.Plan, t *artifact.Tree, m *ir.Balancer) {
	b := p.Balancers
	f := file(p, t, m, "/etc/systemd/system/haproxy.service.d/meshgen.conf")
	comments(f, "Taken at start: systemctl daemon-reload && systemctl restart haproxy")
	var from ir.From
	for _, x := range b.Fronts {
		from = append(from, x.From...)
	}
	f.From("balancer/open-files", from...)
	comments(f, b.OpenFilesWhy)
	f.Line("[Service]")
	f.Linef("LimitNOFILE=%d", b.OpenFiles)
}
