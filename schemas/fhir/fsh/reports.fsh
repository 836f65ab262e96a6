Profile: PartnerCount
Parent: MeasureReport
Id: partner-count
Title: "Count of a partner"
Description: "A count over a period without patients, with the population it is of where that may be told."
* status = #complete (exactly)
* type = #summary (exactly)
* subject 0..0
* reporter 1..1
* reporter only Reference(Party)
* period.start 1..1
* period.end 1..1
* group 1..1
* group.population 1..2
* group.population.code 1..1
* group.population.code from AggregateCodes (required)
* group.population.count 1..1
* group.measureScore 0..0
* group.stratifier 0..0
* evaluatedResource 0..0

RuleSet: FigureOfIndicator
* extension contains FigureExtension named figure 1..1
* status = #complete (exactly)
* date 1..1
* reporter 1..1
* reporter only Reference(Party)
* period.start 1..1
* period.end 1..1
* group 1..1
* group.extension 1..*
* group.population 1..*
* group.population.code 1..1
* group.stratifier 0..0
* evaluatedResource 0..0

Profile: IndicatorSummary
Parent: MeasureReport
Id: indicator-summary
Title: "Figure of an indicator"
Description: "The figure of one indicator over all treatments, in the shape of DEQM's summary report."
* insert FigureOfIndicator
* type = #summary (exactly)
* subject 0..0
* group.measureScore.extension contains IntervalExtension named interval 0..1

Profile: IndicatorIndividual
Parent: MeasureReport
Id: indicator-individual
Title: "Indicator of one patient"
Description: "Whether and how one patient counts in an indicator, in the shape of DEQM's individual report."
* insert FigureOfIndicator
* type = #individual (exactly)
* subject 1..1
* subject only Reference(Person)
