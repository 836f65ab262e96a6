RuleSet: ScoreFrame
* extension contains WeeksExtension named weeks 0..1 and $workflow-episode named episode 0..1
* status = #final (exactly)
* category 1..1
* category = $category#survey
* subject 1..1
* subject only Reference(Person)
* effective[x] 1..1
* effective[x] only dateTime
* derivedFrom 0..1
* derivedFrom only Reference(PromResponse)
* hasMember 0..0
* component 0..0

Profile: Score
Parent: Observation
Id: score
Title: "Score"
Description: "One score of one instrument, in the instrument's own scale. Nationally there is no profile for PROMs."
* insert ScoreFrame
* code.coding ^slicing.discriminator.type = #value
* code.coding ^slicing.discriminator.path = "system"
* code.coding ^slicing.rules = #open
* code.coding contains kind 1..1 and instrument 0..1
* code.coding[kind].system 1..1
* code.coding[kind].system = "https://outcome-exchange.invalid/fhir/CodeSystem/observation" (exactly)
* code.coding[kind].code 1..1
* code.coding[kind].code = #measurement (exactly)
* code.coding[instrument].system 1..1
* code.coding[instrument].system = "https://outcome-exchange.invalid/fhir/CodeSystem/instrument" (exactly)
* code.coding[instrument] from InstrumentCodes (required)
* value[x] only Quantity
* valueQuantity.value 1..1
* valueQuantity.system 1..1
* valueQuantity.system = "http://unitsofmeasure.org" (exactly)
* valueQuantity.code 1..1
* valueQuantity.code = #{score} (exactly)
* note 0..0

Profile: PainScoreOfExchange
Parent: $nl-pain
Id: pain-score
Title: "Pain score"
Description: "A score for pain in a whole number, by numeric rating scale, as nl-core has it. A broken one is a Score."
* insert ScoreFrame
* value[x] 1..1
* method 1..1
* method = $pain-method#NRS

Profile: SessionCount
Parent: Observation
Id: session-count
Title: "Number of sessions"
Description: "How many sessions the treatment had so far."
* status = #final (exactly)
* code = $observation#session.count
* subject 1..1
* subject only Reference(Person)
* effective[x] 0..0
* value[x] 1..1
* value[x] only integer
* component 0..0
* note 0..0

Profile: EvaluationMoment
Parent: Observation
Id: evaluation
Title: "Evaluation"
Description: "What was found and decided at one of the agreed moments of the treatment."
* status = #final (exactly)
* code = $observation#evaluation
* subject 1..1
* subject only Reference(Person)
* effective[x] only dateTime
* value[x] only CodeableConcept
* valueCodeableConcept from EffectCodes (required)
* component ^slicing.discriminator.type = #pattern
* component ^slicing.discriminator.path = "code"
* component ^slicing.rules = #closed
* component contains sessionNumber 0..1 and decision 0..1 and adviceTakenUp 0..1 and toldReferrerOn 0..1
* component[sessionNumber].code = $component#session-number
* component[sessionNumber].value[x] only integer
* component[decision].code = $component#decision
* component[decision].value[x] only CodeableConcept
* component[decision].valueCodeableConcept from NextStepCodes (required)
* component[adviceTakenUp].code = $component#advice-taken-up
* component[adviceTakenUp].value[x] only CodeableConcept
* component[adviceTakenUp].valueCodeableConcept from AnsweredCodes (required)
* component[toldReferrerOn].code = $component#told-referrer-on
* component[toldReferrerOn].value[x] only dateTime
* note 0..0

Profile: PartnerAnswer
Parent: Observation
Id: partner-answer
Title: "Answer of a partner"
Description: "Yes, no or not known about one kind of event over one window, the last day included."
* status = #final (exactly)
* code from AnswerCodes (required)
* subject 1..1
* subject only Reference(Person)
* effective[x] 1..1
* effective[x] only Period
* effectivePeriod.start 1..1
* effectivePeriod.end 1..1
* value[x] 1..1
* value[x] only CodeableConcept
* valueCodeableConcept from AnsweredCodes (required)
* component ^slicing.discriminator.type = #pattern
* component ^slicing.discriminator.path = "code"
* component ^slicing.rules = #closed
* component contains count 0..1 and firstDay 0..1
* component[count].code = $component#count
* component[count].value[x] only integer
* component[firstDay].code = $component#first-day
* component[firstDay].value[x] only dateTime
* note 0..0

Profile: PromResponse
Parent: QuestionnaireResponse
Id: prom-response
Title: "Response to a PROM"
Description: "What a client filled in, as far as a record keeps it: the total. The score is derived from it."
* questionnaire 1..1
* status = #completed (exactly)
* subject 1..1
* subject only Reference(Person)
* item 1..*
* item.answer 1..1

Profile: Prom
Parent: Questionnaire
Id: prom
Title: "PROM"
Description: "The form of an instrument: one item for each question, by number and without its words, and one for the total."
* url 1..1
* status = #active (exactly)
* code 1..1
* item 1..*
