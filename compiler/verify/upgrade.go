package verify

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// An upgradeScript is charts/<site>/upgrade.sh: functions, then for each step what must succeed before, what it does, and
// what takes it back.
type upgradeScript struct {
	file  *artifact.File
	order []string
	calls []upgradeCall
}

// An upgradeCall is one command of a step, with words as the shell would pass them.
type upgradeCall struct {
	step, kind string // kind: check, does, back
	args       []string
	line       int
}

// looking are the commands that may check, each by the words with which it begins, options left out; acting are those
// that a step may have besides.
var (
	looking = []string{"kubectl rollout status", "kubectl wait", "kubectl get", "kubectl exec", "kubectl logs", "helm status", "helm list", "linkerd check", "linkerd version", "linkerd multicluster check", "consul-k8s status", "consul-k8s proxy list"}
	acting  = []string{"kubectl rollout restart", "kubectl apply", "kubectl patch", "kubectl annotate", "kubectl label", "kubectl scale", "helm uninstall"}
)

// readUpgrade is the verifier of charts/<site>/upgrade.sh.
func readUpgrade(f *artifact.File, p *pass) {
	if strings.Split(f.Path(), "/")[1] != p.releases.Site {
		return
	}
	parsed := p.bash(f)
	if parsed == nil {
		return
	}
	u := &upgradeScript{file: f}
	for _, stmt := range parsed.Stmts {
		switch c := stmt.Cmd.(type) {
		case *syntax.FuncDecl:
			p.checkCommands(f, c, c.Name.Value)
		case *syntax.CallExpr:
			for _, a := range c.Assigns {
				if a.Name.Value == "steps" && a.Value != nil && p.releases.Upgrade != nil && !slices.Equal(strings.Fields(word(a.Value)), p.releases.Upgrade.Steps) {
					p.report(f, int(a.Pos().Line()), ruleDelivery, "it takes other steps than %v", p.releases.Upgrade.Steps)
				}
			}
		case *syntax.IfClause:
			cond := callWords(c.Cond[0])
			if len(c.Cond) != 1 || len(cond) != 3 || cond[0] != "begin" {
				continue
			}
			u.order = append(u.order, cond[1])
			for _, s := range c.Then {
				w, line := callWords(s), int(s.Pos().Line())
				if len(w) < 3 || slices.Contains(w, "\x00") || w[0] != "check" && w[0] != "does" && w[0] != "back" {
					p.report(f, line, ruleDelivery, "a step that is no plain call of check, does or back")
					continue
				}
				u.calls = append(u.calls, upgradeCall{step: cond[1], kind: w[0], args: w[1:], line: line})
			}
		}
	}
	p.upgraded = u
}

// checkUpgradeValues holds the values that steps take against their charts.
func (p *pass) checkUpgradeValues(sets []*schemas.Set) {
	var declared map[string]Chart
	if p.releases.Upgrade != nil {
		declared = p.releases.Upgrade.Values
	}
	for _, name := range sortedKeys(p.upgradeValues) {
		v := p.upgradeValues[name]
		chart, ok := declared[name]
		if !ok {
			v.report(p, ruleValues, nil, "no step of an upgrade takes them")
			continue
		}
		if set := p.chartSet(v, sets, chart, ""); set != nil {
			p.checkValues(v, set)
		}
	}
	for _, name := range sortedKeys(declared) {
		if p.upgradeValues[name] == nil {
			p.missing(ruleValues, "charts/%s/upgrade/%s/values.yaml does not exist", p.releases.Site, name)
		}
	}
}

// checkUpgrade: every step looks before it does something, and what it installs can be had back as the tree has it.
func (p *pass) checkUpgrade() {
	u, want := p.upgraded, p.releases.Upgrade
	switch {
	case u == nil && want == nil:
		return
	case u == nil || want == nil:
		p.missing(ruleDelivery, "charts/%s/upgrade.sh is not there where, and only where, an upgrade by steps is under way", p.releases.Site)
		return
	case !slices.Equal(u.order, want.Steps):
		p.report(u.file, 0, ruleDelivery, "its steps are %v, not %v", u.order, want.Steps)
	}
	for _, step := range u.order {
		of := func(kind string) []upgradeCall {
			return slices.DeleteFunc(slices.Clone(u.calls), func(c upgradeCall) bool { return c.step != step || c.kind != kind })
		}
		if len(of("check")) == 0 || len(of("does")) == 0 {
			p.report(u.file, 0, ruleDelivery, "step %s does nothing, or does not look before", step)
		}
		for i, c := range of("does") {
			name, isChart := chartCall(c)
			if isChart && !slices.ContainsFunc(of("does")[i:], func(w upgradeCall) bool { return slices.Contains(w.args, "rollout") || slices.Contains(w.args, "wait") }) {
				p.report(u.file, c.line, ruleDelivery, "nobody waits for what release %s brings", name)
			}
			if _, ours := p.releases.Charts[name]; isChart && ours && !slices.ContainsFunc(of("back"), func(b upgradeCall) bool {
				back, ok := chartCall(b)
				return ok && back == name
			}) {
				p.report(u.file, c.line, ruleDelivery, "nothing takes chart release %s back", name)
			}
		}
	}
	used := map[string]bool{}
	for _, c := range u.calls {
		if _, ok := chartCall(c); ok {
			p.checkUpgradeChart(u, c, used)
			continue
		}
		line := plain(c.args)
		begins := func(with string) bool { return line == with || strings.HasPrefix(line, with+" ") }
		switch {
		case slices.ContainsFunc(looking, begins):
		case c.kind == "check" || !slices.ContainsFunc(acting, begins):
			p.report(u.file, c.line, ruleDelivery, "%q may not %s", strings.Join(c.args, " "), map[string]string{"check": "check", "does": "be a step", "back": "take one back"}[c.kind])
		case begins("helm uninstall"):
			name := strings.Fields(line)[2]
			if _, ours := p.releases.Charts[name]; ours || want.Charts[name].Name == "" {
				p.report(u.file, c.line, ruleDelivery, "it uninstalls %s, which no step has installed", name)
			}
		}
	}
	p.checkConsulUpgrade(u)
	p.checkLinkerdUpgrade()
	for _, name := range sortedKeys(p.upgradeValues) {
		if v := p.upgradeValues[name]; !used[v.file.Path()] {
			v.report(p, ruleDelivery, nil, "no step takes them")
		}
	}
	if book := p.tree.Lookup("docs/" + p.releases.Site + "/RUNBOOK.md"); book != nil {
		for _, step := range want.Steps {
			if !bytes.Contains(book.Bytes(), []byte("upgrade.sh "+step+"\n")) {
				p.report(book, 0, ruleDocuments, "it does not lead through step %s of the upgrade", step)
			}
		}
	}
}

// chartCall returns the release of a call that installs a chart.
func chartCall(c upgradeCall) (release string, ok bool) {
	if len(c.args) < 5 || c.args[0] != "chart" && c.args[0] != patchedChart {
		return "", false
	}
	return c.args[1], true
}

// checkUpgradeChart holds one chart of a step against what the site declares: the new version forwards, that of the tree
// backwards, and values that are there.
func (p *pass) checkUpgradeChart(u *upgradeScript, c upgradeCall, used map[string]bool) {
	report := func(format string, args ...any) { p.report(u.file, c.line, ruleDelivery, format, args...) }
	name, want := c.args[1], p.releases.Upgrade.Charts
	if c.kind == "back" {
		want = p.releases.Charts
	}
	chart, ok := want[name]
	if !ok || c.kind == "check" {
		report("chart release %q is none of the upgrade", name)
		return
	}
	got := delivered{namespace: c.args[2], version: c.args[3], chart: c.args[4]}
	var files []string
	for i := 5; i < len(c.args); i++ {
		switch {
		case c.args[i] == "--skip-crds":
		case i+1 < len(c.args) && c.args[i] == "--repo":
			i++
			got.repository = c.args[i]
		case i+1 < len(c.args) && c.args[i] == "--values":
			i++
			files = append(files, c.args[i])
		default:
			report("%q is no argument of a chart", c.args[i])
		}
	}
	if i := strings.LastIndexByte(got.chart, '/'); got.repository == "" && i > 0 {
		got.repository, got.chart = got.chart[:i], got.chart[i+1:]
	}
	for _, f := range files { // values of a step may be for the chart that runs, as those are that change one part of it first
		folder, ok := strings.CutPrefix(f, "charts/"+p.releases.Site+"/upgrade/")
		if of := p.releases.Upgrade.Values[path.Dir(folder)]; ok && c.kind == "does" && of.Name == chart.Name && of.Version == p.releases.Charts[name].Version {
			chart = p.releases.Charts[name]
		}
	}
	if got.namespace != chart.Namespace || got.version != chart.Version || got.chart != chart.Name || got.repository != chart.Repository {
		report("release %s is not chart %s %s of %s in %s", name, chart.Name, chart.Version, chart.Repository, chart.Namespace)
	}
	own := "charts/" + p.releases.Site + "/" + name + "/values.yaml"
	if _, ours := p.releases.Charts[name]; ours && (len(files) == 0 || files[0] != own || c.kind == "back" && len(files) > 1) {
		report("release %s does not begin with its values of the tree, or goes back with others", name)
	}
	for _, f := range files {
		if used[f] = true; p.tree.Lookup(f) == nil {
			report("there is no %s", f)
		}
	}
}

// plain is a command without its options and their values, in one line.
func plain(args []string) string {
	var out []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return strings.Join(out, " ")
		case a == "--ignore-not-found" || a == "--wait" || a == "--proxy":
		case strings.HasPrefix(a, "-") && !strings.Contains(a, "="):
			i++
		case !strings.HasPrefix(a, "-"):
			out = append(out, a)
		}
	}
	return strings.Join(out, " ")
}
