package compiler

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// linkerd reports whether the policies of a site are Linkerd's.
func (q *inquiry) linkerd() bool { return q.s.Mesh.Kind == "linkerd" }

// TestPolicyLinkerd asks the callee's proxies alone, which NetworkPolicy is no part of: each service and gateway at each
// port of each service, with each method, path and host. Open is what the site declares, and nothing else.
func TestPolicyLinkerd(t *testing.T) {
	ask := oracle((*inquiry).askLinkerd)
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if !q.linkerd() {
			continue
		}
		ask.agrees(t, name, q)
		if name != "lla1" {
			continue
		}
		// Each is noticed.
		ask.notices(t, q, []mutant{
			{"linkerd", name, "**/40-policy/server.yaml", `(?s)(name: store-6379\n.*?)accessPolicy: deny`, `${1}accessPolicy: all-unauthenticated`},
			{"linkerd", name, "**/40-policy/meshtlsauthentication.yaml", `(?s)(name: handover-9100\n.*?)name: scheduler\n`, "${1}name: poller\n"},
			{"linkerd", name, "**/40-policy/meshtlsauthentication.yaml", `(?s)(name: winch-5020-machines\n.*?)vm/crane`, `${1}vm/winch`},
			{"linkerd", name, "**/40-policy/externalworkload.yaml", `vm/crane`, `vm/winch`},
			{"linkerd", name, "**/40-policy/httproute.yaml", `(?s)(name: telemetry-9000-2\n.*?)value: /v1\n`, "${1}value: /v2\n"},
			{"linkerd", name, "**/40-policy/httproute.yaml", `(?s)(name: telemetry-9000-2\n.*?)method: POST`, `${1}method: PUT`},
			{"linkerd", name, "**/40-policy/networkauthentication.yaml", `cidr: 0.0.0.0/0`, `cidr: 198.18.0.0/15`},
		})
	}
}

func (q *inquiry) askLinkerd(t *testing.T) (wrong []string, open, closed int) {
	t.Helper()
	l, err := policy.ReadLinkerd(q.tree, "charts/"+q.plan.Name+"/linkerd-control-plane/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range q.callers {
		a := &q.callers[i]
		w := a.from.Workload
		if w == nil {
			continue
		}
		for k := range q.world.Workloads[:q.own] {
			to := &q.world.Workloads[k]
			callee := to.Namespace + "/" + to.Name
			if to.Gateway || !q.meshed(callee) && !q.machine(callee) || q.ours(a) && w.Opted && !q.migrates(callee) { // else a pod of a meshed namespace has a proxy
				continue
			}
			for _, port := range to.Ports {
				q.requests(a, callee, int(port.Port), func(c call) {
					r := policy.LinkerdRequest{Address: w.Address, Port: port.Target, Method: c.method, Path: c.path, Host: c.host}
					want := q.anonymous(callee, c) || q.permissive(callee) && q.exposed(callee, c.port)
					if a.certificate != "" || q.sidecar(a) || w.Gateway {
						r.Namespace, r.Account = w.Namespace, w.ServiceAccount
						if w.Machine {
							r.Namespace, r.Account, r.Identity = "", "", l.Machine(w, nil)
						}
						want = want || q.admits(a.certificate, callee, c, false) || q.linked(w, callee, c)
					}
					got, by := l.Admits(to, r)
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s to %s:%d %s %s %s: open is %v by %s, declared %v", a.name, callee, c.port, c.method, c.path, c.host, got, by, want))
					}
					if want {
						open++
					} else {
						closed++
					}
				})
			}
		}
	}
	return wrong, open, closed
}

// TestPolicyLinkerdExposure: clients that come past every gateway have no certificate, and are admitted at the ports of the
// exposure alone.
func TestPolicyLinkerdExposure(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "lla1", "site.cue"))
	q := inquire(t, strings.Replace(text, "capacity: {", `exposures: drop: {owner: "dns-team", pool: "local", addresses: ["10.83.4.205"], service: "files/drop", ports: sftp: {port: 22, protocol: "tcp"}}
namespaces: files: {owner: "dns-team", services: drop: {ports: {sftp: {port: 2222, protocol: "tcp"}, admin: {port: 8080, protocol: "http"}}}}
capacity: {`, 1))
	wrong, open, closed := q.askLinkerd(t)
	for _, w := range wrong {
		t.Error(w)
	}
	if !q.exposed("files/drop", 2222) || open == 0 || closed == 0 {
		t.Errorf("%d questions open, %d closed: the exposure is not asked about", open, closed)
	}
}

// exposed reports whether an exposure leads to a port of a service, whoever its clients are.
func (q *inquiry) exposed(callee string, port int) bool {
	for _, e := range q.s.Exposures {
		for name := range e.Ports {
			if p := q.service(callee).Ports[name]; e.Service == callee && p != nil && p.Port == port {
				return true
			}
		}
	}
	return false
}

// TestPolicyLinkerdStages asks the callee's proxies in each stage of a migration, applied over a site at stage permissive:
// there nothing is other than declared, in stage observe all of the namespace is open, and in stage strict closed to
// whoever has no certificate.
func TestPolicyLinkerdStages(t *testing.T) {
	stages := 0
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if !q.linkerd() {
			continue
		}
		for _, m := range q.plan.Mesh.Migrations {
			if m.Stage != "permissive" {
				t.Errorf("%s: namespace %s is at stage %s", name, m.Namespace, m.Stage)
			}
			for _, step := range m.Steps {
				now := *q
				now.tree = staged(q.tree, "kubernetes/overlays/"+name+"/migration/"+m.Namespace+"/"+step.Name)
				wrong, _, _ := now.askLinkerd(t)
				want := map[string]string{"observe": "open is true", "strict": "open is false"}[step.Name]
				for _, w := range wrong {
					if want == "" || !strings.Contains(w, " to "+m.Namespace+"/") || !strings.Contains(w, want) {
						t.Errorf("%s: stage %s: %s", name, step.Name, w)
					}
				}
				if (len(wrong) > 0) != (want != "") {
					t.Errorf("%s: in stage %s of %s %d answers differ from what is declared", name, step.Name, m.Namespace, len(wrong))
				}
				stages++
			}
		}
	}
	if stages == 0 {
		t.Error("no example has a stage")
	}
}
