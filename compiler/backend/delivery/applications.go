package delivery

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// application is one Application of Argo CD.
type application struct {
	name      string
	wave      int
	namespace string // where objects go that name none; "" when all of them do
	comment   string
	manual    bool // no automated sync
	prune     bool
	info      string // for people who look at it in Argo CD
	ignored   []ignored
	sources   []source
	from      []string // besides those of its sources
}

// source is one place that an Application takes manifests from.
type source struct {
	repository, revision, path string
	chart                      *ir.Release
	values                     string // file of the release's values in the tree's repository
	tree                       bool   // repository and revision are those of the tree
	from                       []string
}

// ignored is what may differ from the source for good.
type ignored struct {
	group, kind, name string
	pointers, queries []string
	from              []string
}

func root(p *ir.Plan, t *artifact.Tree) {
	y := start(p, t, "root.yaml")
	y.Comment(fmt.Sprintf(rootComment, p.Name))
	application{
		name:    p.Name,
		sources: []source{treeSource(p, path.Join(gitopsDir(p), "applications"))},
	}.write(p, y)
}

const applicationsComment = `The order is that of the waves. A webhook that is not up yet refuses objects, so that a sync is tried for half an hour.
There is no selfHeal: in an incident a change by hand holds until the next commit.`

func applications(p *ir.Plan, t *artifact.Tree) {
	y := start(p, t, "applications/application.yaml")
	y.From("", append(p.Delivery.From.Of("kind")[:1:1], "components.cni.managed")...) // with the pod network goes the first of them
	y.Comment(applicationsComment)
	y.Fixed()
	for _, s := range stepsOf(p, t) {
		switch {
		case s.bundle != nil:
			b := s.bundle
			application{
				name: p.Name + "-gateway-api", wave: s.wave(), from: b.From, comment: bundleComment,
				sources: []source{{repository: b.Source, revision: b.Revision, path: b.Path, from: b.From}},
			}.write(p, y)
		case s.chart != nil:
			chartApplication(p, s).write(p, y)
		default:
			folderApplication(p, s).write(p, y)
		}
	}
}

func chartApplication(p *ir.Plan, s step) application {
	c := s.chart
	a := application{
		name: p.Name + "-" + c.Release.Name, wave: s.wave(), namespace: c.Release.Namespace, prune: c.Prune, from: c.Release.From,
		sources: []source{
			{chart: &c.Release, values: path.Join(p.Delivery.Path, "charts", p.Name, c.Release.Name, "values.yaml"), from: c.Release.From},
			{repository: p.Delivery.Repository, revision: p.Delivery.Revision, tree: true},
		},
	}
	if len(c.Release.Patches) > 0 {
		a.sources = []source{treeSource(p, chartDir(p, c.Release))}
		a.from = append(patchesFrom(c.Release), a.from...)
		a.comment = patchedComment
	}
	if !c.Prune {
		a.comment = "Never pruned: CRDs are among its objects, and without its CRD every object of a kind is gone."
	}
	for _, w := range c.Rewritten {
		a.ignored = append(a.ignored, ignored{group: w.Group, kind: w.Kind, name: w.Name, queries: w.Fields, from: w.From})
	}
	return a
}

// nodesComment says why Argo CD may only look: gitops-engine/pkg/utils/kube/resource_ops.go sets ForceConflicts with
// every server-side apply, and no option unsets it.
const nodesComment = `Shown and never synced, neither automatically nor by hand: Argo CD applies with force. That would drop the taints that
others have set on a node, make a Node of a machine that has not joined, and restart no kube-proxy. install.sh does it.`

// tracking is what Argo CD looks for on objects that it has synced. These are synced by somebody else, and do not differ
// for the lack of it.
var tracking = []string{"/metadata/annotations/argocd.argoproj.io~1tracking-id", "/metadata/labels/app.kubernetes.io~1instance"}

func folderApplication(p *ir.Plan, s step) application {
	ph, name := s.phase, s.folder
	a := application{
		name: p.Name + "-" + name, wave: s.wave(), manual: ph.ByHand, prune: ph.Prune, from: s.from,
		sources: []source{treeSource(p, path.Join(backend.OverlayDir(p), name))},
	}
	switch {
	case ph.ByHand:
		a.comment, a.info = nodesComment, fmt.Sprintf("charts/%s/install.sh --from %s --to %s; do not sync here", p.Name, ph.Name, ph.Name)
		a.ignored = []ignored{
			// A drain or a node that is not ready is no difference.
			{kind: "Node", pointers: tracking, queries: []string{`.spec.taints[]? | select(.key | startswith("node.kubernetes.io/"))`}},
			{kind: "ConfigMap", name: "kube-proxy", pointers: tracking},
		}
	case !ph.Prune:
		a.comment = namespacesComment
	}
	return a
}

// treeSource is a folder of the tree in its repository.
func treeSource(p *ir.Plan, dir string) source {
	return source{repository: p.Delivery.Repository, revision: p.Delivery.Revision, path: path.Join(p.Delivery.Path, dir), tree: true}
}

func (a application) write(p *ir.Plan, y *artifact.YAML) {
	from := append(slices.Concat(p.Delivery.From.Of("kind"), a.from), p.From...)
	m := backend.Meta{
		APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: ir.ArgoNamespace, Name: a.name,
		Labels: backend.ManagedBy(p), From: from,
	}
	if a.wave != 0 {
		m.Annotations = []ir.KV{{Key: "argocd.argoproj.io/sync-wave", Value: strconv.Itoa(a.wave)}}
	}
	backend.Object(y, m, func() {
		if a.comment != "" {
			y.Comment(a.comment)
		}
		y.Map("spec", func() {
			y.KV("project", "default")
			y.Map("destination", func() {
				y.KV("server", "https://kubernetes.default.svc")
				if a.namespace != "" {
					y.KV("namespace", a.namespace)
				}
			})
			if len(a.sources) == 1 {
				y.Map("source", func() { a.sources[0].write(p, y) })
			} else {
				y.Seq("sources", func() {
					for _, s := range a.sources {
						y.Item(func() { s.write(p, y) })
					}
				})
			}
			a.policy(y)
			a.differences(y)
			if a.info != "" {
				y.Seq("info", func() {
					y.Item(func() {
						y.KV("name", "how it is applied")
						y.KV("value", a.info)
					})
				})
			}
		})
	})
}

func (s source) write(p *ir.Plan, y *artifact.YAML) {
	d := &p.Delivery
	y.From("", s.from...)
	switch {
	case s.chart != nil:
		y.KV("repoURL", strings.TrimPrefix(s.chart.Repository, oci))
		y.KV("chart", s.chart.Chart)
		y.KV("targetRevision", s.chart.Version)
		y.Map("helm", func() {
			y.KV("releaseName", s.chart.Name)
			y.From("", append(d.From.Of("path"), s.from...)...)
			y.KV("valueFiles", []string{"$values/" + s.values})
			if s.chart.SkipCRDs {
				y.KV("skipCrds", true)
			}
		})
		y.Fixed()
		return
	case s.tree:
		y.From("", d.From.Of("repository")...)
	}
	y.KV("repoURL", s.repository)
	if s.tree {
		y.From("", d.From.Of("revision")...)
	}
	y.KV("targetRevision", s.revision)
	if s.tree {
		y.From("", d.From.Of("path")...)
	}
	if s.path != "" {
		y.KV("path", s.path)
	} else {
		y.KV("ref", "values")
	}
	y.Fixed()
}

// policy writes how it is synced.
func (a application) policy(y *artifact.YAML) {
	options := []string{"ServerSideApply=true"}
	if len(a.ignored) > 0 {
		options = append(options, "RespectIgnoreDifferences=true")
	}
	if !a.prune {
		options = append(options, "Prune=false", "Delete=false")
	}
	y.Map("syncPolicy", func() {
		if !a.manual {
			y.Map("automated", func() { y.KV("prune", a.prune) })
			y.Map("retry", func() {
				y.KV("limit", 10)
				y.Map("backoff", func() {
					y.KV("duration", "15s")
					y.KV("factor", 2)
					y.KV("maxDuration", "5m")
				})
			})
		}
		y.KV("syncOptions", options)
	})
}

func (a application) differences(y *artifact.YAML) {
	if len(a.ignored) == 0 {
		return
	}
	y.Seq("ignoreDifferences", func() {
		for _, i := range a.ignored {
			y.From("", i.from...)
			y.Item(func() {
				y.KV("group", i.group)
				y.KV("kind", i.kind)
				if i.name != "" {
					y.KV("name", i.name)
				}
				if len(i.pointers) > 0 {
					y.KV("jsonPointers", i.pointers)
				}
				if len(i.queries) > 0 {
					y.KV("jqPathExpressions", i.queries)
				}
			})
		}
		y.Fixed()
	})
}
