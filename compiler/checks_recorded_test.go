package compiler

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// Programs that cannot run here answer run.sh by what their projects say that they print; sources read 2026-11-21.

// answers makes programs that print what is said for the words of their command line, and returns a PATH with them in front.
func answers(t *testing.T, programs map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range programs {
		write(t, filepath.Join(dir, name), "#!/bin/sh\n"+body)
	}
	return []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
}

// prints is a case of a shell that prints a text.
func prints(pattern, text string) string {
	return fmt.Sprintf("%s) cat <<'END'\n%s\nEND\n;;\n", pattern, text)
}

// expect runs run.sh and looks for lines.
func expect(t *testing.T, dir string, env []string, code int, lines []string, args ...string) {
	t.Helper()
	out, got := compared(t, dir, env, args...)
	if got != code {
		t.Errorf("run.sh %v: exit %d, not %d:\n%s", args, got, code, out)
	}
	for _, l := range lines {
		if !strings.Contains("\n"+out, "\n"+l+"\n") {
			t.Errorf("run.sh %v says no %q:\n%s", args, l, out)
		}
	}
}

// TestChecksEOS: the answers have the form that EOS's own tests know (aristanetworks/anta tests/units/anta_tests, lab-validation
// tests of "show ip bgp | json").
func TestChecksEOS(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "fra1").Tree)
	peers := func(state string) string {
		return `{"vrfs": {"default": {"peers": {
			"10.10.2.11": {"peerState": "` + state + `", "peerAsn": "4200000100", "description": "fra1-r2-edge"},
			"fe80::1%Et49/1": {"peerState": "Established", "peerAsn": "4200000001"}, "fe80::2%Et50/1": {"peerState": "Established", "asn": "4200000001"}}}}}`
	}
	routes := func(more string) string {
		path := `{"routeType": {"valid": true, "active": true, "ecmp": false, "ecmpContributor": false}}`
		return `{"vrfs": {"default": {"bgpRouteEntries": {` + more + `"203.0.113.10/32": {"bgpRoutePaths": [` + path + `]}, "198.51.100.16/32": {"bgpRoutePaths": [` + path + `]},
			"0.0.0.0/0": {"bgpRoutePaths": [` + path + `]}}}}}`
	}
	bfd := func(state string) string {
		return `{"vrfs": {"default": {"ipv4Neighbors": {"10.10.2.11": {"peerStats": {"10.10.2.2": {"status": "` + state + `"}}}},
			"ipv6Neighbors": {"fe80::1%Et49/1": {"peerStats": {"fe80::9": {"status": "up"}}}, "fe80::2": {"peerStats": {"fe80::8": {"status": "up"}}}}}}}`
	}
	ssh := func(peerState, more, bfdState string) []string {
		script := filepath.Join(t.TempDir(), "ssh")
		write(t, script, "#!/bin/sh\ncase $2 in\n"+prints("'show bgp summary | json'", peers(peerState))+prints("'show ip bgp | json'", routes(more))+
			prints("'show ipv6 bgp | json'", `{"vrfs": {"default": {"bgpRouteEntries": {}}}}`)+prints("'show bfd peers | json'", bfd(bfdState))+"esac\n")
		return []string{"MESHGEN_SSH=" + script}
	}
	expect(t, dir, ssh("Established", "", "up"), 0, []string{
		"PASS fra1-r2-tor-a session with fra1-r2-edge (10.10.2.11): Established, AS 4200000100, BFD up",
		"PASS fra1-r2-tor-a session with fra1-spine-1 (Ethernet49/1): Established, AS 4200000001, BFD up",
		"PASS fra1-r2-tor-a session with fra1-spine-2 (Ethernet50/1): Established, AS 4200000001, BFD up",
		"PASS fra1-r2-tor-a paths to 203.0.113.10 of gateway public: 1",
	}, "switch", "fra1-r2-tor-a")
	expect(t, dir, ssh("Active", `"10.112.3.0/24": {"bgpRoutePaths": []}, `, "down"), 1, []string{
		"FAIL fra1-r2-tor-a session with fra1-r2-edge (10.10.2.11): expected Established, AS 4200000100, BFD up, seen Active, AS 4200000100, BFD down",
		"FAIL fra1-r2-tor-a route 10.112.3.0/24: expected none, seen 0 paths",
	}, "switch", "fra1-r2-tor-a")
}

// TestChecksNXOS: the answers have the form that tests of other programs know, all of them recorded on switches: the sessions
// napalm's (napalm-automation/napalm test/nxos/mocked_data/test_get_bgp_neighbors), BFD and routes those of Cisco's engineers
// (nxapi-netbox, "show bfd neighbors | json-pretty"; "show ip route | json" in their examples of scripts on the switch). A real
// switch has not answered here.
func TestChecksNXOS(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "nue1").Tree)
	neighbor := func(address, as, state string) string {
		return `{"neighborid": "` + address + `", "neighborversion": "4", "neighboras": "` + as + `", "time": "6w3d", "state": "` + state + `", "prefixreceived": "2"}`
	}
	peers := func(state string) string {
		return `{"TABLE_vrf": {"ROW_vrf": [{"vrf-name-out": "default", "vrf-local-as": "4200000711"}, {"vrf-name-out": "default", "TABLE_af": {"ROW_af": [
			{"af-id": "1", "TABLE_saf": {"ROW_saf": {"safi": 1, "af-name": "IPv4 Unicast", "TABLE_neighbor": {"ROW_neighbor": [` +
			neighbor("10.72.1.11", "64086.60604", state) + `, ` + neighbor("10.72.250.0", "4200000701", "Established") + `]}}}},
			{"af-id": "2", "TABLE_saf": {"ROW_saf": {"safi": 1, "af-name": "IPv6 Unicast", "TABLE_neighbor": {"ROW_neighbor": ` +
			neighbor("2001:DB8:72:1:0::11", "4200000700", "Established") + `}}}}]}},
			{"vrf-name-out": "other", "TABLE_af": {"ROW_af": {"af-id": "1", "TABLE_saf": {"ROW_saf": {"TABLE_neighbor": {"ROW_neighbor": ` + neighbor("10.72.1.12", "4200000700", "Established") + `}}}}}}]}}`
	}
	bfd := func(state string) string {
		row := func(v4, v6, state string) string {
			return `{"local_disc": "1090519041", "header": "1", "vrf_name": "default", "dest_ip_addr": "` + v4 + `", "dest_ipv6_addr": "` + v6 + `", "local_state": "` + state + `", "remote_state": "Up", "intf": "Ethernet1/49"}`
		}
		return `{"TABLE_bfdNeighbor": {"ROW_bfdNeighbor": [` + row("10.72.1.11", "0::", state) + `, ` + row("10.72.250.0", "0::", "Up") + `, ` + row("0.0.0.0", "2001:db8:72:1::11", "Up") + `]}}`
	}
	routes := func(more string) string {
		path := func(client string) string {
			return `{"ipnexthop": "10.72.1.11", "ifname": "Vlan72", "uptime": "P15DT16H28M27S", "pref": "20", "metric": "0", "clientname": "` + client + `", "ubest": "true"}`
		}
		return `{"TABLE_vrf": {"ROW_vrf": [{"vrf-name-out": "default", "TABLE_addrf": {"ROW_addrf": {"addrf": "ipv4", "TABLE_prefix": {"ROW_prefix": [` + more + `
			{"ipprefix": "198.51.100.65/32", "ucast-nhops": "2", "TABLE_path": {"ROW_path": [` + path("bgp-4200000711") + `, ` + path("bgp-4200000711") + `]}},
			{"ipprefix": "198.51.100.64/28", "ucast-nhops": "1", "TABLE_path": {"ROW_path": ` + path("static") + `}}]}}}}]}}`
	}
	ssh := func(peerState, more, bfdState string) []string {
		script := filepath.Join(t.TempDir(), "ssh")
		write(t, script, "#!/bin/sh\ncase $2 in\n"+prints("'show bgp all summary vrf all | json'", peers(peerState))+prints("'show ip route vrf default | json'", routes(more))+
			"'show ipv6 route vrf default | json') ;;\n"+prints("'show bfd neighbors vrf default | json'", bfd(bfdState))+"esac\n")
		return []string{"MESHGEN_SSH=" + script}
	}
	expect(t, dir, ssh("Established", "", "Up"), 1, []string{
		"PASS nue1-east-a session with nue1-east-1 (10.72.1.11): Established, AS 4200000700, BFD up",
		"PASS nue1-east-a session with nue1-east-1 (2001:db8:72:1::11): Established, AS 4200000700, BFD up",
		"PASS nue1-east-a session with nue1-spine-1 (10.72.250.0): Established, AS 4200000701, BFD up",
		"FAIL nue1-east-a session with nue1-east-2 (10.72.1.12): expected Established, AS 4200000700, BFD up, seen no such neighbor",
		"PASS nue1-east-a paths to 198.51.100.65 of gateway public: 2",
		"PASS nue1-east-a undeclared routes in the ranges of the site: none",
	}, "switch", "nue1-east-a")
	expect(t, dir, ssh("Idle", `{"ipprefix": "198.51.100.70/32", "ucast-nhops": "1", "TABLE_path": {"ROW_path": {"clientname": "bgp-4200000711", "ubest": "true"}}},`, "Down"), 1, []string{
		"FAIL nue1-east-a session with nue1-east-1 (10.72.1.11): expected Established, AS 4200000700, BFD up, seen Idle, AS 4200000700, BFD down",
		"FAIL nue1-east-a route 198.51.100.70/32: expected none, seen 1 paths",
	}, "switch", "nue1-east-a")
}

// TestChecksCalico: BIRD 1.6 prints its protocols as projectcalico/calico reads them (v3.31.7 node/pkg/status/populators/peers.go),
// a session in the state that the comments of its bgp_get_status show. A real calico-node has not answered here.
func TestChecksCalico(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "grz1").Tree)
	pods := `{"items": [{"metadata": {"namespace": "calico-system", "name": "calico-node-x1"}, "spec": {"nodeName": "grz1-r1-edge1"}},
		{"metadata": {"namespace": "calico-system", "name": "calico-node-x2"}, "spec": {"nodeName": "grz1-r2-1"}}]}`
	const head = "BIRD v0.3.3+birdv1.6.8 ready.\nname     proto    table    state  since       info\nstatic1  Static   master   up     09:10:11    \nkernel1  Kernel   master   up     09:10:11    \n"
	answer := func(pod, socket, lines string) string {
		return prints("'exec --namespace calico-system "+pod+" --container calico-node -- birdcl -s /var/run/calico/"+socket+".ctl show protocols'", head+lines)
	}
	expect(t, dir, kubectlOut(t, prints("'get pods --all-namespaces --selector k8s-app=calico-node '*", pods)+
		answer("calico-node-x1", "bird", "Node_10_240_1_2 BGP      master   up     2026-11-21  Established   \nNode_10_240_1_3 BGP      master   start  09:12:01    Active        Socket: Connection refused")+
		answer("calico-node-x1", "bird6", "Node_2001_db8_240_1__2 BGP      master   up     09:10:14    Established   \nNode_2001_db8_240_1__3 BGP      master   down   09:10:14    ")+
		answer("calico-node-x2", "bird", "Node_10_240_2_2 BGP      master   up     09:10:14    Established   ")+
		"exec*) exit 1 ;;\n"), 1, []string{
		"PASS grz1-r1-edge1 session with grz1-r1-a (10.240.1.2): Established",
		"FAIL grz1-r1-edge1 session with grz1-r1-b (10.240.1.3): expected Established, seen Active",
		"PASS grz1-r1-edge1 session with grz1-r1-a (2001:db8:240:1::2): Established",
		"FAIL grz1-r1-edge1 session with grz1-r1-b (2001:db8:240:1::3): expected Established, seen down",
		"PASS grz1-r2-1 session with grz1-r2-sw (10.240.2.2): Established",
		"FAIL grz1-r2-1 session with grz1-r2-sw (2001:db8:240:2::2): expected Established, seen no such session",
		"FAIL grz1-r1-cp session with grz1-r1-a (10.240.1.2): expected Established, seen no such session",
	}, "kubernetes")
}

// TestChecksKubernetes: the answers are objects in the form of the API; BGPSessionState as metallb/frr-k8s writes it
// (cmd/status/controller/bgpsessionstate_controller.go).
func TestChecksKubernetes(t *testing.T) {
	real(t, "jq")
	out := compileExample(t, "fra1")
	dir := onDisk(t, out.Tree)
	type object = map[string]any
	list := func(items ...any) string {
		text, _ := json.Marshal(object{"items": items})
		return string(text)
	}
	ready := object{"conditions": []any{object{"type": "Ready", "status": "True"}}}
	var nodes, sessions []any
	for _, n := range out.Plan.Nodes {
		nodes = append(nodes, object{"metadata": object{"name": n.Name}, "status": ready})
	}
	for _, pe := range out.Plan.LoadBalancer.Peerings {
		for _, s := range pe.Speakers {
			sessions = append(sessions, object{"status": object{"node": s.Node, "peer": pe.SwitchAddress.String(), "bgpStatus": "Established", "bfdStatus": "Up"}})
		}
	}
	pod := func(node string, labels string, containers ...any) object {
		l := object{}
		for part := range strings.SplitSeq(labels, ",") {
			k, v, _ := strings.Cut(part, "=")
			l[k] = v
		}
		return object{"metadata": object{"namespace": "n", "name": "pod-" + node, "labels": l}, "spec": object{"nodeName": node, "containers": containers}, "status": ready}
	}
	in := func(namespace string, o object) object { o["metadata"].(object)["namespace"] = namespace; return o }
	kubectl := func(third string, proxies ...any) string {
		script := "case \"$*\" in\n" + prints("'get nodes --output json'", list(nodes...)) + prints("'get bgpsessionstates'*", list(sessions...))
		script += prints("'get pods --namespace gateway-public '*", list(
			in("gateway-public", pod("fra1-r1-edge", "istio=gateway-public")), in("gateway-public", pod("fra1-r2-edge", "istio=gateway-public")), in("gateway-public", pod(third, "istio=gateway-public"))))
		script += prints("'get pods --namespace gateway-partner '*", list(in("gateway-partner", pod("fra1-r1-edge", "istio=gateway-partner")), in("gateway-partner", pod("fra1-r2-edge", "istio=gateway-partner"))))
		script += prints("'get pods --namespace web '*", list(in("web", pod("fra1-r1-w1", "app.kubernetes.io/name=frontend", proxies...)))) + prints("'get pods '*", list())
		for name, address := range map[string]string{"public": "203.0.113.10", "partner": "198.51.100.16"} {
			text, _ := json.Marshal(object{"metadata": object{"namespace": "gateway-" + name, "name": "gateway-" + name}, "status": object{"loadBalancer": object{"ingress": []any{object{"ip": address}}}}})
			script += prints("'get service gateway-"+name+" '*", string(text))
		}
		for kind, names := range map[string][]string{"BFDProfile.v1beta1": {"fra1"}, "BGPAdvertisement.v1beta1": {"partner", "public"}, "BGPPeer.v1beta2": {"r1-a", "r1-b", "r2-a", "r2-b", "r3-a", "r3-b"}, "IPAddressPool.v1beta1": {"partner", "public"}} {
			var items []any
			for _, n := range names {
				items = append(items, object{"metadata": object{"name": n}})
			}
			script += prints("'get "+kind+".metallb.io '*", list(items...))
		}
		return script + "*) echo \"nobody expects $*\" >&2; exit 1 ;;\nesac\n"
	}
	sidecar := []any{object{"name": "app"}, object{"name": "istio-proxy"}}
	expect(t, dir, answers(t, map[string]string{"kubectl": kubectl("fra1-r3-edge", sidecar...)}), 0, []string{
		"PASS nodes of r1-worker: 4 ready", "PASS gateway public pods: 3 ready", "PASS gateway public placement: as declared", "PASS gateway public addresses: 203.0.113.10",
		"PASS service web/frontend proxies: istio-proxy in every pod", "PASS objects BGPPeer.v1beta2.metallb.io: 6 there",
		"PASS fra1-r1-edge session with fra1-r1-tor-a (10.10.1.2): Established, BFD up",
	}, "kubernetes")
	nodes = nodes[1:]
	sessions = sessions[1:]
	expect(t, dir, answers(t, map[string]string{"kubectl": kubectl("fra1-r3-w1", object{"name": "app"})}), 1, []string{
		"FAIL nodes of r1-control-plane: expected 1 ready, seen fra1-r1-cp not joined",
		"FAIL gateway public placement: expected class edge, racks r1, r2, r3, seen pod-fra1-r3-w1 on fra1-r3-w1",
		"FAIL service web/frontend proxies: expected istio-proxy in every pod, seen none in pod-fra1-r1-w1",
		"FAIL fra1-r1-edge session with fra1-r1-tor-a (10.10.1.2): expected Established, BFD up, seen no such session",
	}, "kubernetes")
}

// TestChecksHost reads real settings, in a network namespace of its own where one of them is changed, and what chronyc prints with
// -c (chrony.conf(5), chronyc(1)).
func TestChecksHost(t *testing.T) {
	real(t, "jq")
	needRouters(t)
	dir := onDisk(t, compileExample(t, "fra1").Tree)
	sources := "^,*,10.10.0.5,1,4,377,5,0.000001,0.000001,0.000010\n^,+,10.10.0.6,1,4,377,5,0.000001,0.000001,0.000010\n^,-,10.20.0.5,1,4,377,5,0.000001,0.000001,0.000010\n"
	tracking := func(offset string) string {
		return "0A0A0005,10.10.0.5,2,1790000000.0," + offset + ",0.000001,0.000002,1.0,0.0,0.01,0.001,0.0001,16.0,Normal"
	}
	chronyc := func(more, offset string) string {
		return "case \"$*\" in\n" + prints("'-n -c sources'", sources+more) + prints("'-n -c tracking'", tracking(offset)) + "esac\n"
	}
	r := frrtest.New(t, "chk-host")
	inside := func(env []string) string {
		return r.Try("env", append(env, filepath.Join(dir, "checks", "run.sh"), "host", "fra1-r1-edge.example.net")...)
	}
	r.Exec("sysctl", "-w", "net.ipv4.ip_forward=1")
	good := answers(t, map[string]string{"chronyc": chronyc("^,+,10.21.0.5,1,4,377,5,0.000001,0.000001,0.000010", "-0.000123")})
	has := func(out string, lines ...string) {
		t.Helper()
		for _, l := range lines {
			if !strings.Contains("\n"+out, "\n"+l+"\n") {
				t.Errorf("no %q:\n%s", l, out)
			}
		}
	}
	const name = "fra1-r1-edge.example.net"
	has(inside(good), "PASS "+name+" net.ipv4.ip_forward: 1", "PASS "+name+" time source dc-2 (10.21.0.5): usable", "PASS "+name+" clock: synchronised", "PASS "+name+" clock offset: 0.000123 s")
	r.Exec("sysctl", "-w", "net.ipv4.ip_forward=0")
	bad := answers(t, map[string]string{"chronyc": chronyc("^,x,10.21.0.5,1,4,377,5,0.1,0.1,0.1\n^,+,192.0.2.9,1,4,377,5,0.1,0.1,0.1", "0.25")})
	has(inside(bad), "FAIL "+name+" net.ipv4.ip_forward: expected 1, seen 0", "FAIL "+name+" time source dc-2 (10.21.0.5): expected usable, seen false ticker",
		"FAIL "+name+" time source 192.0.2.9: expected none, seen asked", "FAIL "+name+" clock offset: expected at most 0.1 s, seen 0.25 s")
}
