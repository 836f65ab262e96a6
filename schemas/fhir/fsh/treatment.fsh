Profile: Therapist
Parent: $nl-role
Id: therapist
Title: "Therapist"
Description: "The role in which somebody treats; who they are is an AGB code."
* practitioner 1..1
* practitioner.identifier 1..1
* practitioner.identifier.system 1..1
* practitioner.identifier.system = "http://fhir.nl/fhir/NamingSystem/agb-z" (exactly)
* organization 1..1
* organization only Reference(Party)
* telecom 0..0
* availableTime 0..0
* notAvailable 0..0

Profile: TreatmentEpisode
Parent: $nl-episode
Id: treatment-episode
Title: "Treatment"
Description: "One course of treatment by exercise therapy, as far as the agreement lets it be told."
* extension contains
    AccessExtension named access 0..1 and
    EndReasonExtension named endReason 0..1 and
    OnwardAdviceExtension named onwardAdvice 0..1 and
    ChronicExtension named chronic 0..1 and
    EndWeeksExtension named endWeeks 0..1
* patient only Reference(Person)
* referralRequest 0..1
* referralRequest only Reference(ReferralRequest)
* careManager only Reference(Therapist)
* statusHistory 0..0
* team 0..0
* account 0..0

Profile: Complaint
Parent: Condition
Id: complaint
Title: "Complaint"
Description: "The diagnosis by DCSPH code, or its location alone. nl-core-Problem can't be kept: its required list of codes has no DCSPH."
* code.coding 1..1
* code.coding.system 1..1
* code.coding.system = "https://outcome-exchange.invalid/fhir/CodeSystem/dcsph" (exactly)
* code.coding.code 1..1
* bodySite 0..1
* bodySite.coding 1..1
* bodySite.coding.system 1..1
* bodySite.coding.system = "https://outcome-exchange.invalid/fhir/CodeSystem/dcsph-location" (exactly)
* bodySite.coding.code 1..1
* subject only Reference(Person)
* note 0..0

Profile: Session
Parent: $nl-encounter
Id: session
Title: "Session"
Description: "One session: its day, or the week since the start of treatment, and what kind it was."
* extension contains WeeksExtension named weeks 0..1
* status = #finished (exactly)
* class = $act#AMB
* type 0..1
* type from SessionTypeCodes (required)
* subject 1..1
* subject only Reference(Person)
* episodeOfCare 0..1
* episodeOfCare only Reference(TreatmentEpisode)
* participant 0..0

Profile: Treatment
Parent: Procedure
Id: treatment
Title: "Treatment as a procedure"
Description: "What was done about the referral: exercise therapy, over the time that may be told."
* status from TreatmentStatusCodes (required)
* code 1..1
* code = $sct#229065009
* subject only Reference(Person)
* basedOn 0..1
* basedOn only Reference(ReferralRequest)
* performed[x] 1..1
* performed[x] only Period
* performer 1..1
* performer.actor only Reference(Party)
* reasonReference 0..1
* reasonReference only Reference(Complaint)
* note 0..0

Profile: TreatmentGoal
Parent: Goal
Id: treatment-goal
Title: "Goal of the treatment"
Description: "That the treatment is to improve what one instrument measures."
* lifecycleStatus from GoalStatusCodes (required)
* description = $goal#improvement
* subject only Reference(Person)
* target 1..1
* target.measure 1..1
* target.measure.coding ^slicing.discriminator.type = #value
* target.measure.coding ^slicing.discriminator.path = "system"
* target.measure.coding ^slicing.rules = #open
* target.measure.coding contains instrument 1..1
* target.measure.coding[instrument] from InstrumentCodes (required)
* target.measure.coding[instrument].system 1..1
* target.measure.coding[instrument].system = "https://outcome-exchange.invalid/fhir/CodeSystem/instrument" (exactly)
* target.detail[x] 0..0
* addresses only Reference(Complaint)
* note 0..0
