//! Quantum machines: opened, closed, changed, asked.

use pulsewire_common::correction::{Matrix, quantize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::types::{
    Configuration, IoValue, IoValues, MachineChange, MachineSettings, MixerEntry, Opened,
};

impl Client {
    /// Opens a quantum machine.
    ///
    /// # Errors
    /// [`Error::OpenMachine`] with everything that is wrong with the configuration; [`Error::Value`] for bytes
    /// that are no configuration; [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn open_machine(&self, config: &Configuration, close_others: bool) -> Result<Opened> {
        let call = self.dialect().open_machine(config, close_others)?;
        let opened = self.ask(|| "open a quantum machine".to_owned(), call).await?;
        opened.map_err(|errors| Error::OpenMachine { errors })
    }

    /// Closes a machine; its queue is cancelled and its running job halted.
    ///
    /// # Errors
    /// [`Error::CloseMachine`] when there is none of that id; [`Error::Connection`] and [`Error::Timeout`] as of
    /// every call.
    pub async fn close_machine(&self, machine: &str) -> Result<()> {
        let action = || format!("close the quantum machine '{machine}'");
        let closed = self.ask(action, self.dialect().close_machine(machine)).await?;
        closed.map_err(|message| Error::CloseMachine { machine: machine.to_owned(), message })
    }

    /// The ids of the open machines.
    ///
    /// # Errors
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn list_machines(&self) -> Result<Vec<String>> {
        let action = || "list the open quantum machines".to_owned();
        let call = self.dialect().list_machines();
        self.read(action, None, call).await
    }

    /// Changes an open machine; jobs that run keep what they have.
    ///
    /// # Errors
    /// [`Error::ChangeMachine`] when there is no such machine, element or port, or a value cannot be;
    /// [`Error::Connection`] and [`Error::Timeout`] as of every call.
    pub async fn change_machine(&self, machine: &str, change: &MachineChange) -> Result<()> {
        let action = || format!("{} the quantum machine '{machine}'", what(change));
        let changed = self.ask(action, self.dialect().change_machine(machine, change)).await?;
        changed.map_err(|errors| Error::ChangeMachine { action: action(), errors })
    }

    /// Sets the correction of a mixer for jobs to come; gives it as the hardware holds it.
    ///
    /// # Errors
    /// [`Error::Value`] for an entry out of range, before anything is sent; those of
    /// [`Self::change_machine`].
    pub async fn set_mixer_correction(
        &self,
        machine: &str,
        entry: MixerEntry,
        matrix: Matrix,
    ) -> Result<Matrix> {
        let held = quantize(matrix).map_err(|error| {
            Error::Value(format!("the correction of the mixer '{}': {error}", entry.mixer))
        })?;
        self.change_machine(machine, &MachineChange::MixerCorrection(entry, held)).await?;
        Ok(held)
    }

    /// Sets IO registers, by their numbers.
    ///
    /// # Errors
    /// Those of [`Self::change_machine`].
    pub async fn set_io_values(&self, machine: &str, values: Vec<(u8, IoValue)>) -> Result<()> {
        self.change_machine(machine, &MachineChange::IoValues(values)).await
    }

    /// IO1 and IO2 of a machine.
    ///
    /// # Errors
    /// [`Error::ReadMachine`] when there is no such machine; [`Error::Connection`] and [`Error::Timeout`] as of
    /// every call.
    pub async fn io_values(&self, machine: &str) -> Result<[IoValues; 2]> {
        let action = || format!("read the IO values of the quantum machine '{machine}'");
        let call = self.dialect().io_values(machine);
        let read = self.read(action, None, call).await?;
        read.map_err(|message| Error::ReadMachine { action: action(), message })
    }

    /// The configuration of an open machine, as it is set now.
    ///
    /// # Errors
    /// [`Error::ReadMachine`] when there is no such machine; [`Error::Connection`] and [`Error::Timeout`] as of
    /// every call.
    pub async fn machine_configuration(&self, machine: &str) -> Result<Configuration> {
        let action = || format!("read the configuration of the quantum machine '{machine}'");
        let call = self.dialect().configuration(machine);
        let read = self.read(action, None, call).await?;
        read.map_err(|message| Error::ReadMachine { action: action(), message })
    }

    /// How an open machine is set.
    ///
    /// # Errors
    /// [`Error::ReadMachine`] when there is no such machine; [`Error::Connection`] and [`Error::Timeout`] as of
    /// every call.
    pub async fn machine_settings(&self, machine: &str) -> Result<MachineSettings> {
        let action = || format!("read the settings of the quantum machine '{machine}'");
        let call = self.dialect().machine_settings(machine);
        let read = self.read(action, None, call).await?;
        read.map_err(|message| Error::ReadMachine { action: action(), message })
    }
}

/// What a change does, up to the machine's name.
fn what(change: &MachineChange) -> String {
    match change {
        MachineChange::IoValues(values) => {
            let names: Vec<_> = values.iter().map(|(number, _)| format!("IO{number}")).collect();
            format!("set {} of", names.join(" and "))
        }
        MachineChange::IntermediateFrequency { element, .. } => {
            format!("set the intermediate frequency of '{element}' in")
        }
        MachineChange::MixerCorrection(entry, _) => {
            format!("set the correction of the mixer '{}' in", entry.mixer)
        }
        MachineChange::OutputOffset { element, input, .. } => {
            format!("set the output offset of '{element}' ({input}) in")
        }
        MachineChange::OutputFilter { element, input, .. } => {
            format!("set the output filter of '{element}' ({input}) in")
        }
        MachineChange::InputOffset { element, output, .. } => {
            format!("set the input offset of '{element}' ({output}) in")
        }
        MachineChange::DigitalDelay { element, input, .. } => {
            format!("set the digital delay of '{element}' ({input}) in")
        }
        MachineChange::DigitalBuffer { element, input, .. } => {
            format!("set the digital buffer of '{element}' ({input}) in")
        }
        MachineChange::DigitalInputThreshold(input, _) => of_input("threshold", input),
        MachineChange::DigitalInputDeadtime(input, _) => of_input("deadtime", input),
        MachineChange::DigitalInputPolarity(input, _) => of_input("polarity", input),
    }
}

fn of_input(what: &str, input: &crate::types::DigitalInput) -> String {
    format!("set the {what} of the digital input {} of '{}' in", input.number, input.controller)
}
