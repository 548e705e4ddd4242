package verify

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
)

// A verifier reads the files of one format. The first verifier whose glob matches a path claims the file.
type verifier struct {
	name  string // in the table of counts: "objects", "sysctl"
	glob  string // see match
	check func(f *artifact.File, p *pass)
}

// A pass is the state of one run over one tree.
type pass struct {
	tree           *artifact.Tree
	releases       Releases
	staged         []*object                 // of overlays that people apply; no check of the whole tree sees them
	beside         []*object                 // while staged objects are checked: those of the site, which stay in force
	streams        map[*artifact.File]parsed // see ahead
	objects        []*object                 // every Kubernetes object of the tree, in the order of files
	values         map[string]*values        // by release: the chart values of the site
	upgradeValues  map[string]*values        // by folder: those that steps of an upgrade take
	k3sNetwork     bool                      // k3s brings the pod network itself
	upgraded       *upgradeScript            // charts/<site>/upgrade.sh; nil when there is none
	kustomizations map[string]*kustomization // by folder
	marks          []serviceMark             // of Services that others make
	sessions       []Session                 // of BGP, read back from both ends
	links          []*End                    // switches' ends of sessions with the routing of nodes
	secretRefs     []SecretRef               // every Secret that an object refers to
	contract       *secretsContract          // docs/<site>/secrets.json; nil when there is none
	found          diag.List
	counts         map[string]*Count
	delivery       delivery
	expected       *expectedState            // checks/<site>.json; nil when there is none
	hosts          []*hostGroup              // by name, once they have been compared
	machines       *inventory                // likewise
	switches       []*switchConf             // likewise
	balancer       *lbObjects                // see balancerObjects
	asked          *inventory                // see inventory
	flowRows       []flowRow                 // see flows
	references     []reference               // found by everywhere; nil before
	page           *page                     // docs/<site>/index.html; nil when there is none
	charts         []chart                   // Mermaid's, of documents
	picture        *page                     // docs/<site>/topology.svg; likewise
	carried        []*artifact.File          // host files that documents carry and the tree does not have
	patched        map[string]*artifact.File // files as the site's patches leave them, by path; others are read as they are
	patchedBy      map[string][]string       // where those patches stand in the site
}

// report adds an error at a line of an emitted file (1-based; 0 for the file as a whole). Rule is one of Rules. What
// meshgen emits is meshgen's doing, whatever the site says, so that the message calls it a bug; the site paths behind
// the line go with it, because they are what a reader can look at.
func (p *pass) report(f *artifact.File, line int, rule, format string, args ...any) {
	place := f.Path()
	if line > 0 {
		place = fmt.Sprintf("%s:%d", place, line)
	}
	from := f.Origins()
	if o, ok := f.Origin(line); ok && len(o.Paths) > 0 {
		from = o.Paths
	}
	if by := p.patchedBy[f.Path()]; len(by) > 0 {
		p.found = append(p.found, diag.Finding{Rule: rule, Name: ruleName(rule), Severity: diag.Error, Path: by[0],
			Message: f.Path() + ", with the site's own patch: " + fmt.Sprintf(format, args...)})
		return
	}
	d := finding(rule, place+": "+fmt.Sprintf(format, args...))
	if len(from) > 0 {
		d.Path = from[0]
		d.Hint = "report it together with the site; what is wrong was made from " + some(from, 4)
	}
	p.found = append(p.found, d)
}

// missing adds an error about a file that is not there, or about what belongs to no file.
func (p *pass) missing(rule, format string, args ...any) {
	p.found = append(p.found, finding(rule, fmt.Sprintf(format, args...)))
}

func finding(rule, message string) diag.Finding {
	return diag.Finding{
		Rule:     rule,
		Name:     ruleName(rule),
		Severity: diag.Error,
		Message:  message + "; this is a bug of meshgen, please report it",
	}
}

// some joins the first n names and counts the others.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// claim returns the verifier of a path.
func claim(path string) (verifier, bool) {
	for _, list := range [][]verifier{treeVerifiers, lineVerifiers, hostFormVerifiers} {
		for _, v := range list {
			if match(v.glob, path) {
				return v, true
			}
		}
	}
	return verifier{}, false
}

// match reports whether a path fits a glob: "*" stands for any characters inside one segment, a segment "**" for any
// number of segments, everything else for itself.
func match(glob, path string) bool {
	g, grest, gmore := strings.Cut(glob, "/")
	if g == "**" {
		for {
			if !gmore || match(grest, path) {
				return true
			}
			_, rest, more := strings.Cut(path, "/")
			if !more {
				return false
			}
			path = rest
		}
	}
	s, rest, more := strings.Cut(path, "/")
	if !matchSegment(g, s) || gmore != more {
		// A trailing "**" also stands for no segment at all.
		return matchSegment(g, s) && !more && grest == "**"
	}
	return !gmore || match(grest, rest)
}

// matchSegment is match for one segment.
func matchSegment(glob, s string) bool {
	head, tail, star := strings.Cut(glob, "*")
	if !star {
		return glob == s
	}
	s, ok := strings.CutPrefix(s, head)
	for i := 0; ok && i <= len(s); i++ {
		if matchSegment(tail, s[i:]) {
			return true
		}
	}
	return false
}
