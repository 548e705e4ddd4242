package compiler

import (
	"bytes"
	"cmp"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

var objectName = regexp.MustCompile(`(?m)\A(?:#.*\n)*apiVersion: ([^/\n]+).*\nkind: (.+)\nmetadata:\n  name: (.+)\n(?:  namespace: (.+)\n)?`)

// stagesOf are the folders below a tree's phases, which people apply.
func stagesOf(t *artifact.Tree) []string {
	dirs := map[string]bool{}
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), "kubernetes/overlays/") && strings.Count(f.Path(), "/") > 4 {
			dirs[path.Dir(f.Path())] = true
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}

// staged is the tree as the cluster has it after some stages were applied: an object of theirs takes the place of the
// site's own.
func staged(t *artifact.Tree, dirs ...string) *artifact.Tree {
	over := map[string]string{} // object → its text
	for _, dir := range dirs {
		for _, f := range t.Files() {
			if path.Dir(f.Path()) != dir || path.Base(f.Path()) == "kustomization.yaml" {
				continue
			}
			for doc := range strings.SplitSeq(string(f.Bytes()), "\n---\n") {
				over[objectKey(doc)] = strings.TrimSuffix(doc, "\n")
			}
		}
	}
	out := artifact.NewTree()
	for _, f := range t.Files() {
		data := strings.TrimSuffix(string(f.Bytes()), "\n")
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") || strings.Count(f.Path(), "/") > 4 && strings.HasPrefix(f.Path(), "kubernetes/") {
			continue
		}
		if strings.HasPrefix(f.Path(), "kubernetes/") && path.Base(f.Path()) != "kustomization.yaml" {
			docs := strings.Split(data, "\n---\n")
			for i, doc := range docs {
				if with, ok := over[objectKey(doc)]; ok {
					docs[i] = with
					delete(over, objectKey(doc))
				}
			}
			data = strings.Join(docs, "\n---\n")
		}
		if g := out.File(f.Path()); data != "" {
			g.Line(data)
		}
	}
	if len(over) > 0 {
		g := out.File("kubernetes/overlays/staged/40-policy/more.yaml")
		g.Line(strings.Join(slices.Sorted(maps.Values(over)), "\n---\n"))
	}
	return out
}

func objectKey(doc string) string {
	if m := objectName.FindStringSubmatch(doc); m != nil {
		return strings.Join(m[1:], " ")
	}
	return doc
}

// TestPolicyStages: no call that the site declares is refused in any stage, for an incident or of a migration, none in an
// incident during a migration, and none while the namespaces leave the mesh one after the other.
func TestPolicyStages(t *testing.T) {
	seen := map[string]int{}
	sites := map[string]string{}
	for _, name := range exampleNames(t) {
		sites[name] = read(t, filepath.Join(examplesDir, name, "site.cue"))
	}
	for _, v := range glassVariants {
		sites[v.example+" with "+v.what] = strings.Replace(sites[v.example], v.old, v.new, 1)
	}
	for _, of := range slices.Sorted(maps.Keys(sites)) {
		q := inquire(t, sites[of])
		name := q.plan.Name
		if q.consul() { // its proxies know no pod without one
			q.world.Consul = "charts/" + name + "/consul/values.yaml"
		}
		stages := stagesOf(q.tree)
		ask := func(what string, tree *artifact.Tree) {
			if err := q.read(tree); err != nil {
				t.Fatalf("%s: %s: %v", name, what, err)
			}
			asked, refused := q.declaredCalls()
			if parts := strings.Split(what, "/"); parts[0] == "migration" && parts[2] == "strict" {
				refused = slices.DeleteFunc(refused, func(call string) bool { // by whoever has no proxy
					caller, callee, _ := strings.Cut(call, " to ")
					i := slices.IndexFunc(q.callers, func(a asker) bool { return a.name == caller })
					return strings.HasPrefix(callee, parts[1]+"/") && !q.proxied(&q.callers[i])
				})
			}
			if len(refused) > 0 {
				t.Errorf("%s: %s: %d of %d declared calls are refused, as %s", of, what, len(refused), asked, refused[0])
			}
			seen[strings.Split(what, "/")[0]] += asked
		}
		for _, dir := range stages {
			rest := strings.TrimPrefix(dir, "kubernetes/overlays/"+name+"/")
			open := path.Join("kubernetes/overlays", name, "break-glass/open")
			if rest != "break-glass/proxyless" {
				ask(rest, staged(q.tree, dir))
				if strings.HasPrefix(rest, "migration/") && slices.Contains(stages, open) { // the stage may be one that somebody tries
					ask("break-glass/open, in "+rest, staged(q.tree, dir, open))
				}
				continue
			}
			f := q.tree.Lookup(dir + "/namespace.yaml")
			docs := bytes.Split(f.Bytes(), []byte("\n---\n"))
			for i := range docs { // the first of them, then one more each time
				tree := staged(q.tree, open, dir)
				ask("break-glass/proxyless, by "+string(rune('1'+i)), back(q.tree, tree, docs[i+1:]))
				asked, refused := q.leaving(objectName.FindStringSubmatch(string(docs[i]))[3])
				if seen["outside"] += asked; len(refused) > 0 {
					t.Errorf("%s: without proxies %d of %d destinations outside are not reached, as %s", of, len(refused), asked, refused[0])
				}
			}
		}
	}
	for _, kind := range []string{"break-glass", "migration", "outside"} {
		if seen[kind] == 0 {
			t.Errorf("nothing asked of %s", kind)
		}
	}
}

// siteVariant is an example with something in place of something else, once.
type siteVariant struct{ example, what, old, new string }

// glassVariants are sites with something that no example has.
var glassVariants = []siteVariant{
	{"dus1", "a way out", `calls: ["yard/entries", "stock/parts"]`, `calls: ["yard/entries", "stock/parts"], egress: ["rates", "archive"]`},
}

// leaving asks for the destinations outside that the services of a namespace declare, but for those with a source address of
// their own: pods without a proxy are not led there.
func (q *inquiry) leaving(namespace string) (asked int, refused []string) {
	for i := range q.callers {
		a := &q.callers[i]
		w, s := a.from.Workload, q.service(a.name)
		if s == nil || w.Namespace != namespace {
			continue
		}
		for _, name := range s.Egress {
			e := q.s.External[name]
			if e.Via != "" {
				continue
			}
			for _, p := range e.Ports {
				to := policy.Target{Address: netip.MustParseAddr("233.252.0.77")}
				if len(e.Addresses) > 0 {
					to.Address = netip.MustParseAddr(e.Addresses[0])
				}
				if len(e.Hosts) > 0 {
					to.Host = e.Hosts[0]
				}
				asked++
				if v := q.model.Reach(a.from, to, policy.Request{Port: uint16(p.Port), UDP: p.Protocol == "udp"}); !v.Allowed {
					refused = append(refused, a.name+" to "+name)
				}
			}
		}
	}
	return asked, refused
}

// migrationVariants are sites on their way to another mode, as no example is: callers that are held to methods, paths and
// tokens, with a waypoint and without; and a way that ends where plain text is taken.
var migrationVariants = []siteVariant{
	{"gdn1", "requests", `calls: ["shop/cart", "shop/search", "names/resolver"]`, `calls: ["shop/cart", "ingest/audit", "shop/search", "names/resolver"]`},
	{"gdn1", "requests", `expose: [{gateway: "partner", host: "search`, `calls: ["ingest/audit"], expose: [{gateway: "partner", host: "search`},
	{"gdn1", "requests", "\t\t\tlogs: {\n", `audit: {ports: http: {port: 8080, protocol: "http"}, jwt: {issuer: "https://login.example.net", audiences: ["audit"]}, allow: [{from: ["shop/front"], methods: ["POST"]}, {from: ["shop/search"], methods: ["GET"], paths: ["/v1"]}]}` + "\nlogs: {\n"},
	{"krk1", "a waypoint", `services: inbox: ports: http: {port: 8080, protocol: "http"}`, `waypoint: true, services: inbox: {ports: http: {port: 8080, protocol: "http"}, allow: [{from: ["shop/web"], methods: ["GET"], paths: ["/v1"]}, {from: ["plant/poller"]}]}`},
	{"krk1", "a way to permissive", `stage: "observe", target: "strict"`, `stage: "observe", target: "permissive"`},
	{"dus2", "a way to permissive", `stage: "observe", target: "strict"`, `stage: "observe", target: "permissive"`},
	{"lla1", "a way to permissive", `stage: "permissive", target: "strict"`, `stage: "permissive", target: "permissive"`},
}

// migrationSites are the examples, and the variants.
func migrationSites(t *testing.T, more ...siteVariant) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range exampleNames(t) {
		if text := read(t, filepath.Join(examplesDir, name, "site.cue")); strings.Contains(text, "migration: {") {
			texts[name] = text
		}
	}
	for _, v := range append(more, migrationVariants...) {
		text := cmp.Or(texts[v.example+" with "+v.what], texts[v.example])
		if strings.Count(text, v.old) != 1 {
			t.Fatalf("%s: no %q, or two", v.example, v.old)
		}
		texts[v.example+" with "+v.what] = strings.Replace(text, v.old, v.new, 1)
	}
	return texts
}

// TestPolicyUncaptured: services on their way to another mode are called through the tunnel, and as they are where the node
// agent has not captured their pods, by captured pods, gateways and waypoints. No call that the site declares is refused.
func TestPolicyUncaptured(t *testing.T) {
	asked, gateways := 0, 0
	gateway := siteVariant{"krk1", "a gateway", `services: inbox: ports: http: {port: 8080, protocol: "http"}`, `services: inbox: {ports: http: {port: 8080, protocol: "http"}, expose: [{gateway: "public", host: "inbox.example.org", path: "/"}]}`}
	for name, text := range migrationSites(t, gateway) {
		q := inquire(t, text)
		if !q.ambient() {
			continue
		}
		for _, m := range q.plan.Mesh.Migrations {
			for i := range q.world.Workloads[:q.own] {
				w := &q.world.Workloads[i]
				w.Opted = w.Opted || w.Namespace == m.Namespace
			}
			for _, step := range m.Steps {
				if err := q.read(staged(q.tree, "kubernetes/overlays/"+q.plan.Name+"/migration/"+m.Namespace+"/"+step.Name)); err != nil {
					t.Fatal(err)
				}
				for i := range q.callers {
					a := &q.callers[i]
					w := a.from.Workload
					if w == nil || !w.Gateway && !q.captured(a) {
						continue
					}
					for _, to := range q.world.Workloads[:q.own] {
						callee := to.Namespace + "/" + to.Name
						if to.Namespace != m.Namespace || to.Gateway {
							continue
						}
						for _, port := range to.Ports {
							q.requests(a, callee, int(port.Port), func(c call) {
								if open, _ := q.expectAmbient(a, callee, c); !open {
									return
								}
								if asked++; w.Gateway {
									gateways++
								}
								v := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Host: c.host, Token: c.token})
								if !v.Allowed {
									t.Fatalf("%s, %s/%s: %s to %s %s is refused: %+v", name, m.Namespace, step.Name, a.name, callee, c.path, v.Steps)
								}
							})
						}
					}
				}
			}
		}
	}
	if asked == gateways || gateways == 0 {
		t.Errorf("%d asked, %d of gateways", asked, gateways)
	}
}

// TestPolicyMigrations asks everybody and everything in each stage of a migration of Istio. Declared callers are admitted with
// a proxy and without one until the last stage, which admits those with a proxy alone; in no stage is anything open that
// is not declared.
func TestPolicyMigrations(t *testing.T) {
	for name, text := range migrationSites(t) {
		q := inquire(t, text)
		for _, m := range q.plan.Mesh.Migrations {
			for _, step := range m.Steps {
				if q.consul() || q.linkerd() && (step.Name == "observe" || m.Target == "strict") {
					continue // TestPolicyLinkerdStages; TestPolicyStages, with policies of the network alone
				}
				t.Run(name+"/"+m.Namespace+"/"+step.Name, func(t *testing.T) {
					inquire(t, text).atStage(t, m, step)
				})
			}
		}
	}
}

func (q *inquiry) atStage(t *testing.T, m ir.Migration, step ir.MigrationStep) {
	t.Helper()
	n := q.s.Namespaces[m.Namespace]
	n.MTLS, n.Migration.Stage = "strict", step.Name
	if step.Permissive {
		n.MTLS = "permissive"
	}
	q.tree = staged(q.tree, "kubernetes/overlays/"+q.plan.Name+"/migration/"+m.Namespace+"/"+step.Name)
	if q.linkerd() {
		if wrong, open, _ := q.askLinkerd(t); len(wrong) > 0 || open == 0 {
			t.Errorf("%d open, %d wrong: %v", open, len(wrong), wrong)
		}
		return
	}
	q.run(t)
	if step.Name == m.Target && step.Permissive {
		return // where somebody outside the mesh calls as well, nothing tells them apart
	}
	if got := q.withoutProxies(m.Namespace); (got > 0) != (step.Name != m.Target) && q.called(m.Namespace) {
		t.Errorf("%d calls of pods of the mesh without a proxy are admitted", got)
	}
}

// called reports whether a service of the mesh calls one of a namespace.
func (q *inquiry) called(namespace string) bool {
	found := false
	q.each(func(name string, s *site.Service) {
		found = found || q.meshed(name) && slices.ContainsFunc(s.Calls, func(c string) bool { return strings.HasPrefix(c, namespace+"/") })
	})
	return found
}

// withoutProxies counts the calls of pods of the mesh that have no proxy which services of a namespace take.
func (q *inquiry) withoutProxies(namespace string) (taken int) {
	for i := range q.callers {
		a := &q.callers[i]
		if w := a.from.Workload; w == nil || !w.Opted || q.service(string(a.place)) == nil {
			continue
		}
		for _, w := range q.world.Workloads[:q.own] {
			for _, port := range w.Ports {
				callee := w.Namespace + "/" + w.Name
				if w.Namespace != namespace {
					continue
				}
				q.requests(a, callee, int(port.Port), func(c call) {
					if q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Token: c.token}).Allowed {
						taken++
					}
				})
			}
		}
	}
	return taken
}

// back is a tree in which some Namespaces are as they were.
func back(was, now *artifact.Tree, docs [][]byte) *artifact.Tree {
	of := func(f *artifact.File) []string {
		return strings.Split(strings.TrimSuffix(string(f.Bytes()), "\n"), "\n---\n")
	}
	keep := map[string]bool{}
	for _, d := range docs {
		keep[objectKey(string(d))] = true
	}
	out := artifact.NewTree()
	for _, f := range now.Files() {
		data := strings.TrimSuffix(string(f.Bytes()), "\n")
		if path.Base(f.Path()) == "namespace.yaml" {
			olds, news := of(was.Lookup(f.Path())), of(f)
			for i := range news {
				if keep[objectKey(news[i])] {
					news[i] = olds[i]
				}
			}
			data = strings.Join(news, "\n---\n")
		}
		if g := out.File(f.Path()); data != "" {
			g.Line(data)
		}
	}
	return out
}
