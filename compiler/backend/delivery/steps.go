package delivery

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// step is one thing that is brought into the cluster: the bundle of CRDs, a chart, or a folder of the overlay.
type step struct {
	phase  *ir.DeliveryPhase
	bundle *ir.Bundle
	chart  *ir.ChartStep
	folder string
	from   []string // of a folder: the blocks of the site behind its files
}

// stepsOf returns those of the whole delivery, in order, for whoever brings each by itself.
func stepsOf(p *ir.Plan, t *artifact.Tree) []step {
	var out []step
	for i := range p.Delivery.Phases {
		ph := &p.Delivery.Phases[i]
		if b := p.Delivery.Bundle; b != nil && ph.Name == b.Phase {
			out = append(out, step{phase: ph, bundle: b})
		}
		for j := range ph.Charts {
			out = append(out, step{phase: ph, chart: &ph.Charts[j]})
		}
		if name, from := folder(p, t, ph); name != "" {
			out = append(out, step{phase: ph, folder: name, from: from})
		}
	}
	return out
}

// objectsWave is the place of a phase's own objects among its steps: behind its charts.
const objectsWave = 9

// wave is the place of a step among all; equal for those that need not wait for each other. The phases are spaced so
// that a chart more moves no other wave.
func (s step) wave() int {
	switch number := s.phase.Number; {
	case s.bundle != nil && len(s.phase.Charts) > 0:
		return number*10 - 1
	case number < 0:
		return number * 10
	case s.chart != nil:
		return number*10 + s.chart.Wave
	default:
		return number*10 + objectsWave
	}
}

// Why some steps never delete.
const (
	bundleComment     = "Never pruned: without its CRD every object of a kind is gone."
	namespacesComment = "Never pruned: with a namespace goes all that stands in it."
)
