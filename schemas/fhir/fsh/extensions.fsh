Extension: AgreementExtension
Id: agreement
Title: "Agreement"
Description: "The agreement under which the message is sent: its id, its version and the SHA-256 of what was signed."
Context: MessageHeader
* extension contains id 1..1 and version 1..1 and digest 1..1
* extension[id].value[x] only string
* extension[version].value[x] only integer
* extension[digest].value[x] only string

Extension: AccessExtension
Id: access
Title: "Access"
Description: "How the patient came: with a referral or directly."
Context: EpisodeOfCare
* value[x] 1..1
* value[x] only code
* value[x] from AccessCodes (required)

Extension: EndReasonExtension
Id: end-reason
Title: "Reason of the end"
Description: "Why the treatment ended."
Context: EpisodeOfCare
* value[x] 1..1
* value[x] only code
* value[x] from EndReasonCodes (required)

Extension: OnwardAdviceExtension
Id: onward-advice
Title: "Onward advice"
Description: "Whether the patient was advised to go on to other care."
Context: EpisodeOfCare
* value[x] 1..1
* value[x] only code
* value[x] from AnsweredCodes (required)

Extension: ChronicExtension
Id: chronic
Title: "Chronic"
Description: "Whether the treatment falls under the list of chronic conditions."
Context: EpisodeOfCare
* value[x] 1..1
* value[x] only boolean

Extension: EndWeeksExtension
Id: end-weeks-since-start
Title: "End in weeks since the start"
Description: "The end of treatment where its day may not be told: whole weeks since the start."
Context: EpisodeOfCare
* value[x] 1..1
* value[x] only integer

Extension: WeeksExtension
Id: weeks-since-start
Title: "Weeks since the start"
Description: "The day of a session or a score where it may not be told: whole weeks since the start of treatment."
Context: Encounter, Observation
* value[x] 1..1
* value[x] only integer

Extension: CounterfactualExtension
Id: counterfactual
Title: "What would have been done otherwise"
Description: "What the referrer would have done had this treatment not been there."
Context: ServiceRequest
* value[x] 1..1
* value[x] only code
* value[x] from CounterfactualCodes (required)

Extension: RecordedOnExtension
Id: recorded-on
Title: "Recorded on"
Description: "When was recorded what would have been done otherwise; only what was recorded early counts."
Context: ServiceRequest
* value[x] 1..1
* value[x] only date

Extension: FigureExtension
Id: figure
Title: "What a figure travels with"
Description: "Scope, unit and cut-off of a figure, its sources, the agreement it was counted under and why it is masked."
Context: MeasureReport
* extension contains scope 1..1 and unit 1..1 and cut-off 1..1 and source 0..* and agreement 0..1 and masked 0..1
* extension[scope].value[x] only string
* extension[unit].value[x] only string
* extension[cut-off].value[x] only string
* extension[source].value[x] only string
* extension[agreement].value[x] only string
* extension[masked].value[x] only string

Extension: IntervalExtension
Id: interval
Title: "Confidence interval"
Description: "The interval around a score, its level and the method by its id in docs/statistics.md."
Context: MeasureReport.group.measureScore
* extension contains lower 1..1 and upper 1..1 and level 1..1 and method 1..1
* extension[lower].value[x] only decimal
* extension[upper].value[x] only decimal
* extension[level].value[x] only decimal
* extension[method].value[x] only code
